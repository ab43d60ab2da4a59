// Command wharf manages the container images of a cluster.
//
// What belongs here: handing the wired service and the operating system to the
// command line. What does not: anything that decides something.
package main
