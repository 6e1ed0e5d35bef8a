// Package advice holds what kubectl ucr decides and says: how many resets fit into
// a window, whose turn comes when, what happened to a request and what to do next.
// It is pure: it reads no cluster, no file and no clock, and prints nothing.
package advice
