// Package simulator is a Rocket.Chat workspace for tests, demonstrations and
// hands-on work. It answers the calls that reset second factors and end-to-end
// keys as release 8.6.1 does, with its hazards: a request whose body cannot be
// read resets the caller's own account, a reset wipes every token of its
// target, and a mail goes out before the target is judged.
//
// A Workspace is an http.Handler. It keeps a Journal of every request that
// arrived and of every effect it had, so that a test can prove what a client
// did and, above all, what it did not do.
//
// The package never stands in for a real server's security: its tokens are
// predictable and its users are made up.
package simulator
