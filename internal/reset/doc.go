// Package reset decides. It turns what was observed into the next step for a
// request (decide.go), a workspace's answer into the result of an attempt
// (classify.go), and both into status conditions (status.go).
//
// Everything in it is a pure function of its arguments: it reads no clock, makes
// no call and keeps nothing.
package reset
