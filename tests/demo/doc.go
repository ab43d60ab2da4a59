// Command demo does the product's job from end to end, without any service: an
// embedded catalogue, a registry in this process, and three nodes on disk.
//
// What belongs here: the story, each step checked. What does not: anything that
// the product does not do through service.ImageService.
package main
