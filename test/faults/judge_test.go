package faults

import (
	"fmt"
	"slices"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// post is a reset that the workspace saw being called.
type post struct {
	request  string // the name of the request for its user
	attempt  string // that was the record's last when the call arrived
	effect   bool   // the user was reset
	answered bool   // the answer was handed on to somebody who waited for it
}

// life is what happened to the operator of an attempt, and what it told.
type life struct {
	killed  bool
	asked   bool // to end
	stopped bool // for a while
	failed  bool // it ended with an error
	told    map[string]v1alpha1.AttemptResult
}

// wasCutShort says whether the operator had no chance to write what it knew: it was
// killed, or it stood still until the time was over in which it had to end.
func (l life) wasCutShort() bool {
	return l.killed || (l.asked && l.stopped && l.failed)
}

// evidence is what the workspace saw and what the records say.
type evidence struct {
	asked      map[string]asked
	records    map[string]*v1alpha1.ResetRecord
	outcomes   map[string]v1alpha1.Outcome
	posts      []post
	lives      map[string]life // by id of the attempt
	tooLate    map[string]bool // attempts whose call must not have been made
	journal    simulator.Journal
	complaints []string // of what was seen on the way
}

// verdict is what the evidence comes to.
type verdict struct {
	complaints  []string
	posts       int
	duplicates  int // calls too many, and resets too many
	lost        int // outcomes that a living operator knew and no record shows
	unconfirmed int // requests that ended so
	late        int // truths that came after an attempt was given up
}

func (v *verdict) complain(format string, args ...any) {
	v.complaints = append(v.complaints, fmt.Sprintf(format, args...))
}

// judge compares the calls that the workspace saw with what the records say.
func judge(e evidence) verdict {
	v := verdict{complaints: slices.Clone(e.complaints), posts: e.journal.Posts()}
	if v.posts != len(e.posts) {
		v.complain("the workspace saw %d resets being called, of which %d were followed", v.posts, len(e.posts))
	}
	v.judgeResets(e)
	for _, p := range e.posts {
		v.judgePost(e, p)
	}
	for name := range e.asked {
		v.judgeRequest(e, name)
	}
	slices.Sort(v.complaints)
	return v
}

// judgeResets looks for resets that nobody asked for, and for second ones.
func (v *verdict) judgeResets(e evidence) {
	wanted := map[asked]bool{}
	for _, a := range e.asked {
		wanted[a] = true
	}
	seen := map[asked]bool{}
	for _, r := range e.journal.Resets {
		what := asked{userID: r.UserID, kind: v1alpha1.ResetType(r.Kind)}
		switch {
		case r.Own:
			v.complain("the operator's own account was reset")
		case !wanted[what]:
			v.complain("nobody asked for a reset of %s (%s)", what.userID, what.kind)
		case seen[what]:
			v.duplicates++
			v.complain("%s (%s) was reset twice", what.userID, what.kind)
		}
		seen[what] = true
	}
}

// judgePost looks for calls of which no record tells, and for outcomes that were
// known and lost.
func (v *verdict) judgePost(e evidence, p post) {
	attempt := attemptOf(e.records[p.request], p.attempt)
	if attempt == nil {
		v.complain("%s: a reset was called that no record tells of", p.request)
		return
	}
	if e.tooLate[p.attempt] {
		v.complain("%s: a reset was called when its time was over", p.request)
	}
	owner := e.lives[p.attempt]
	known := p.effect && p.answered && !owner.wasCutShort() && !timedOut(owner, p.attempt)
	if !known || truthOf(attempt) == v1alpha1.AttemptSucceeded {
		return
	}
	if owner.failed && owner.told[p.attempt] == v1alpha1.AttemptSucceeded {
		return // it could not write it to its end, and its log has it
	}
	v.lost++
	v.complain("%s: the reset was confirmed to an operator that lived, and the record says %q", p.request, truthOf(attempt))
}

// timedOut says whether an operator that was stopped found the time for an answer
// over when it went on.
func timedOut(owner life, attempt string) bool {
	return owner.stopped && owner.told[attempt] == v1alpha1.AttemptUnconfirmed
}

func (v *verdict) judgeRequest(e evidence, name string) {
	record := e.records[name]
	if record == nil {
		v.complain("%s: ended as %q without a record", name, e.outcomes[name])
		return
	}
	for i := range record.Attempts {
		if i > 0 && !isProof(&record.Attempts[i-1]) {
			v.complain("%s: attempt %d follows one that proves nothing: %+v", name, i, record.Attempts[i-1])
		}
		v.judgeAttempt(e, name, &record.Attempts[i])
	}
	if !agrees(record, e.outcomes[name]) {
		v.complain("%s: ended as %q, and its record says %+v", name, e.outcomes[name], record.Attempts)
	}
	resets := resetsOf(e, name)
	switch outcome := e.outcomes[name]; outcome {
	case v1alpha1.OutcomeSucceeded:
		if resets == 0 {
			v.complain("%s: succeeded, and nobody was reset", name)
		}
	case v1alpha1.OutcomeFailed, v1alpha1.OutcomeSkipped:
		if resets > 0 {
			v.complain("%s: ended as %s, and the user was reset", name, outcome)
		}
	case v1alpha1.OutcomeUnconfirmed:
		v.unconfirmed++
	default:
		v.complain("%s: did not end", name)
	}
}

func resetsOf(e evidence, name string) int {
	count := 0
	for _, r := range e.journal.Resets {
		if (asked{userID: r.UserID, kind: v1alpha1.ResetType(r.Kind)}) == e.asked[name] {
			count++
		}
	}
	return count
}

// isProof says whether the attempt provably did nothing.
func isProof(attempt *v1alpha1.Attempt) bool {
	return attempt.Result == v1alpha1.AttemptNotSent || attempt.Result == v1alpha1.AttemptRefused
}

// judgeAttempt compares one attempt with the calls that were seen for it.
func (v *verdict) judgeAttempt(e evidence, name string, attempt *v1alpha1.Attempt) {
	var posts []post
	for _, p := range e.posts {
		if p.attempt == attempt.ID {
			posts = append(posts, p)
		}
	}
	if len(posts) > 1 {
		v.duplicates += len(posts) - 1
		v.complain("%s: %d resets were called for one attempt", name, len(posts))
	}
	if attempt.LateResult != "" {
		v.late++
	}
	owner, owned := e.lives[attempt.ID]
	if !owned {
		v.complain("%s: nobody claimed the attempt %s", name, attempt.ID)
		return
	}
	truth := truthOf(attempt)
	called, effect := len(posts) > 0, slices.ContainsFunc(posts, func(p post) bool { return p.effect })
	switch {
	case truth == v1alpha1.AttemptUnconfirmed:
		if why := unjustified(attempt, owner, posts); why != "" {
			v.complain("%s: Unconfirmed, although %s", name, why)
		}
		return
	case truth == v1alpha1.AttemptSucceeded && !effect,
		truth == v1alpha1.AttemptNotSent && called,
		truth == v1alpha1.AttemptRefused && (effect || !called),
		truth == "":
		v.complain("%s: the record says %q; called %t, reset %t", name, truth, called, effect)
	}
	if told := owner.told[attempt.ID]; told != truth {
		v.complain("%s: the record says %q, and the operator's audit line %q", name, truth, told)
	}
}

// unjustified is why the truth of an Unconfirmed attempt should be known, "" if it
// need not be.
func unjustified(attempt *v1alpha1.Attempt, owner life, posts []post) string {
	told := owner.told[attempt.ID]
	switch {
	case attempt.Reason != v1alpha1.ReasonOutcomeUnconfirmed:
		return "nothing happened to the operator's own account: " + attempt.Reason
	case told != "" && told != v1alpha1.AttemptUnconfirmed:
		if owner.wasCutShort() || owner.failed {
			return "" // before it could write what it knew
		}
		return fmt.Sprintf("its operator lived and knew %q", told)
	case owner.wasCutShort() && told == "":
		return ""
	case told == "":
		return "its operator lived and said nothing"
	case owner.stopped:
		return "" // its time was over when it went on
	case slices.ContainsFunc(posts, func(p post) bool { return !p.answered }):
		return ""
	}
	return "its operator lived and was answered"
}

func attemptOf(record *v1alpha1.ResetRecord, id string) *v1alpha1.Attempt {
	if record == nil {
		return nil
	}
	i := slices.IndexFunc(record.Attempts, func(a v1alpha1.Attempt) bool { return a.ID == id })
	if i < 0 {
		return nil
	}
	return &record.Attempts[i]
}

// truthOf is what is known of the attempt in the end.
func truthOf(attempt *v1alpha1.Attempt) v1alpha1.AttemptResult {
	if attempt.LateResult != "" {
		return attempt.LateResult
	}
	return attempt.Result
}

// agrees says whether the outcome is what follows from the record.
func agrees(record *v1alpha1.ResetRecord, outcome v1alpha1.Outcome) bool {
	if record == nil {
		return false
	}
	switch truthOf(&record.Attempts[len(record.Attempts)-1]) {
	case v1alpha1.AttemptSucceeded:
		return outcome == v1alpha1.OutcomeSucceeded
	case v1alpha1.AttemptUnconfirmed:
		return outcome == v1alpha1.OutcomeUnconfirmed
	case v1alpha1.AttemptNotSent, v1alpha1.AttemptRefused:
		return outcome == v1alpha1.OutcomeFailed
	}
	return false
}
