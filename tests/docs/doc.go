// Command docs writes the parts of README.md that follow from the code: the
// table of actions, the embedding example, codes and rates.
//
// What belongs here: one function per generated part. What does not: text that
// people write; it stands in README.md, around the markers.
package main
