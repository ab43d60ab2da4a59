// Package kernels holds real repositories, tags and labels of published images,
// and makes small images of them for the demo, tests and benchmarks.
//
// What belongs here: the data, as published (a few names are illegal and stay
// so), and pushing it to a registry. What does not: anything that a product
// package could use.
package kernels
