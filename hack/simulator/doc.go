// Command simulator serves a simulated Rocket.Chat workspace with a small cast
// of users, to try the operator by hand or to show it. A second address, for
// the loopback interface only, shows what the workspace went through.
package main
