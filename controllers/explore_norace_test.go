//go:build !race

package controllers

// usualSchedules is how many schedules of each scenario are run.
const usualSchedules = 16_000
