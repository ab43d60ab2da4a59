// Package transfer moves images without a daemon: between registries and OCI
// image layouts ("oci:DIR") or archives ("archive:FILE"). It implements
// port.Local and, for layouts, port.Builder.
//
// What belongs here: layouts and archives on disk, what a push or a fetch needs
// to move, and progress. What does not: HTTP, tokens and what a registry's answer
// means (adapters/registry/oci), the agent that keeps a node's images in a layout
// (adapters/ocilayout), and engines (adapters/docker).
//
// # Names
//
// An entry of index.json is named by io.containerd.image.name, the whole
// reference, with the tag alone in org.opencontainers.image.ref.name: as
// containerd and Docker write them. Read are also whole references in the latter,
// and any text in it when it is asked for literally. app and
// docker.io/library/app:latest are one name. A digest finds an entry without a
// name.
//
// # Cut off in the middle
//
// Content gets its name after its digest was verified, and index.json or the
// archive changes last. A repeated fetch uses every whole blob that an earlier
// one left, and fetches the others anew from their beginning; within one fetch a
// blob goes on after a lost connection where it ended. A layout keeps unfinished
// blobs in .wharf, an archive beside it as FILE.part.
//
// index.json and archives are synced to the disk, the blobs of a layout are not:
// after a power cut some may be short or missing. That shows by their sizes, a
// push says image_incomplete, and a fetch brings them again.
package transfer
