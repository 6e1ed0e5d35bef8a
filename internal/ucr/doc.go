// Package ucr is the kubectl plugin: it asks for resets, follows them and decides
// about them with the rights of whoever runs it. It decides nothing itself: see
// package advice. It never reads a Secret and never calls a workspace.
package ucr
