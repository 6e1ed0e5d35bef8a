package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// mutation is a line that carries an invariant, and how it is broken.
type mutation struct {
	name      string // what is broken
	invariant string // what must not be lost by it
	file      string // from the root of the module
	original  string // occurs once in the file
	mutant    string // in its place
	tests     tests  // must fail
}

// tests are those of one package.
type tests struct {
	pkg   string // from the root of the module
	run   string // a regular expression; all tests if empty
	flags string // others, separated by blanks
	// hasChildren says that they start processes, which would be left behind if the
	// tests were ended early.
	hasChildren bool
}

// The invariants, by what they mean.
const (
	onePost      = "at most one POST for each attempt, and no second attempt without proof"
	closedList   = "proof is a closed list"
	success      = "success is status 200 with a JSON object whose success is true"
	sentOnce     = "Go's transport never sends again"
	noOwnReset   = "never an accidental reset of the operator's own account"
	pinned       = "the user is resolved, then pinned"
	inTime       = "no call after notAfterTime, nor later than 10 s after its claim was begun"
	noLies       = "a shutdown makes no lies"
	secrets      = "Secrets are read live, and never shown"
	finishedFree = "a finished request costs nothing, and stays finished"
	neverClaimed = "what is deleted, a hook, restored or re-created is never claimed"
	bounded      = "a panic is a recorded loss, five attempts are the end, what is broken is not tried again"
	fourEyes     = "where approval is required, nobody is reset whom nobody else has approved"
	withinBudget = "no more resets begin within the budget's period than it allows"
	leastPower   = "nobody has a right that they do not need, and none comes by way of another"
	oneCall      = "one call at a time for each server, and none while its limiter is exhausted"
)

// mutations are all of them.
func mutations() []mutation {
	return slices.Concat(answers(), calls(), connections(), decisions(), approvals(), records(), passes(), budgets(), rules(), attacks())
}

// choose returns the mutations that match.
func choose(all []mutation, wanted *regexp.Regexp) []mutation {
	return slices.DeleteFunc(slices.Clone(all), func(m mutation) bool {
		return !wanted.MatchString(m.name) && !wanted.MatchString(m.invariant) && !wanted.MatchString(m.file)
	})
}

// fit proves that every mutation can be applied to the tree in exactly one way,
// and names all that cannot.
func fit(root string, all []mutation) error {
	var faults []error
	names := map[string]bool{}
	for _, m := range all {
		if names[m.name] {
			faults = append(faults, fmt.Errorf("%q: another mutation has this name", m.name))
		}
		names[m.name] = true
		if _, err := m.apply(root); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// apply is the mutated text of the file.
func (m mutation) apply(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return "", fmt.Errorf("%q: %w", m.name, err)
	}
	if count := strings.Count(string(text), m.original); count != 1 || m.original == m.mutant {
		return "", fmt.Errorf("%q: its original occurs %d times in %s, and must occur once: the source has moved on, follow it\n%s", m.name, count, m.file, m.original)
	}
	return strings.Replace(string(text), m.original, m.mutant, 1), nil
}
