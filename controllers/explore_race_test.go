//go:build race

package controllers

// usualSchedules is how many schedules of each scenario are run: with the race
// detector, which finds nothing where nothing runs at the same time, a few.
const usualSchedules = 500
