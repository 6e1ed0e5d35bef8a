// Package command turns the command line into options, and options into a logger
// and a manager. It starts nothing.
package command
