// Command build gets the container images that tests need, so that no test has to wait for one: it pulls them or, where
// Docker Hub is out of reach, builds them from Debian packages and Go modules. Images that are there take no time.
//
// What is in the images does not belong here but in package containers.
package main
