// Package repository holds the persistence ports: the store, bound to what a
// grant reaches, and the repositories inside a view of it.
//
// What belongs here: interfaces and their contracts. What does not: SQL
// (bunstore), rules (domain), and the contract suite (repositorytest). A scoped
// store cannot be widened: rows that its scope may not know of do not exist for
// it, rows that it may know of but not reach are forbidden.
package repository
