//go:build race

package controllers

// The race detector finds nothing where nothing runs at the same time, and keeps
// memory for each of the many tasks that a schedule starts. So there are a few
// schedules with it, and all the others without.
const (
	usualSchedules = 40
	wholeCalm      = false
)
