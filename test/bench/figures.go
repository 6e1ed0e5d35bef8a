package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// figure is one thing that was measured.
type figure struct {
	Case  string  `json:"case"`
	Name  string  `json:"figure"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
	// Floor is what the same work costs without an operator, or what the limiter
	// allows; zero if there is nothing to compare with.
	Floor float64 `json:"floor,omitempty"`
	// Ratio is the value divided by the floor, or the floor by the value where more is
	// better.
	Ratio float64 `json:"ratio,omitempty"`
	// Bar is what must hold, "" if the figure only informs.
	Bar string `json:"bar,omitempty"`
	Met bool   `json:"met"`
}

// lowerThan is a figure that must not exceed a bar, which holds for its ratio to the
// floor if there is one.
func lowerThan(bar float64, f figure) figure {
	f.Met = f.judged() <= bar
	f.Bar = "≤ " + number(bar) + f.barUnit()
	return f
}

// atLeast is a figure that must reach a bar.
func atLeast(bar float64, f figure) figure {
	f.Met = f.judged() >= bar
	f.Bar = "≥ " + number(bar) + f.barUnit()
	return f
}

// toFloor adds the floor.
func (f figure) toFloor(floor float64) figure {
	f.Floor, f.Ratio = floor, f.Value/floor
	return f
}

func (f figure) judged() float64 {
	if f.Floor != 0 {
		return f.Ratio
	}
	return f.Value
}

func (f figure) barUnit() string {
	if f.Floor != 0 {
		return " × floor"
	}
	return strings.TrimRight(" "+f.Unit, " ")
}

func (f figure) line() string {
	verdict := ""
	switch {
	case f.Bar == "":
	case f.Met:
		verdict = "met"
	default:
		verdict = "MISSED"
	}
	floor, ratio := "", ""
	if f.Floor != 0 {
		floor, ratio = number(f.Floor)+" "+f.Unit, number(f.Ratio)
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s |",
		f.Case, f.Name, strings.TrimSpace(number(f.Value)+" "+f.Unit), floor, ratio, f.Bar, verdict)
}

const tableHead = "| case | figure | measured | floor | ratio | must hold | |\n|---|---|---|---|---|---|---|"

func number(value float64) string {
	switch {
	case value == float64(int64(value)):
		return fmt.Sprintf("%d", int64(value))
	case value >= 100:
		return fmt.Sprintf("%.0f", value)
	case value >= 1:
		return fmt.Sprintf("%.2f", value)
	}
	return fmt.Sprintf("%.3f", value)
}

func missed(figures []figure) []figure {
	return slices.DeleteFunc(slices.Clone(figures), func(f figure) bool { return f.Bar == "" || f.Met })
}

func writeJSON(path string, figures []figure) error {
	text, err := json.MarshalIndent(figures, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}

// percentile is the value below which so much of the durations lies.
func percentile(durations []time.Duration, p float64) time.Duration {
	sorted := slices.Sorted(slices.Values(durations))
	return sorted[min(len(sorted)-1, int(float64(len(sorted))*p))]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
