//go:build !race

package controllers

const (
	// usualSchedules is how many schedules of each scenario are run.
	usualSchedules = 9_000
	// wholeCalm says whether scenarios without faults are enumerated to their end.
	wholeCalm = true
)
