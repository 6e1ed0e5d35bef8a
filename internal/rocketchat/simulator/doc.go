// Package simulator is a Rocket.Chat workspace for tests, demonstrations and
// hands-on work. It answers the calls that reset second factors and end-to-end
// keys as release 8.6.1 does, or as the release that Options.Version names,
// with its hazards: a request whose body cannot be read resets the caller's own
// account, a reset wipes every token of its target, and a mail goes out before
// the target is judged.
//
// Three generations of the server's API differ in nearly every answer: up to
// 7.3, up to 8.3, and later. The last two are held to what the handlers of
// 7.7.1 and 8.6.1 answered when they were recorded; the first follows the
// source of 6.13, and what its releases changed from 3.6 on. It does not delay
// its answers 401, and remembers no second factor.
//
// A Workspace is an http.Handler. It keeps a Journal of every request that
// arrived and of every effect it had, so that a test can prove what a client
// did and, above all, what it did not do.
//
// The package never stands in for a real server's security: its tokens are
// predictable and its users are made up.
package simulator
