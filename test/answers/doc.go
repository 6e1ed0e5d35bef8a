// Package answers is the catalogue of what a workspace, or what stands before it,
// may do to a reset, and of what must come of it. One table drives the tests and
// the documentation.
package answers
