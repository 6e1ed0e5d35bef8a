package faults

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// step is a call that an operator makes in the course of a pass, or the dial of
// one.
type step int

// The steps of a pass, in their order.
const (
	stepRequest    step = iota + 1 // the live read of the request
	stepWorkspace                  // the live read of the workspace
	stepSecret                     // the live read of the Secret
	stepLookUp                     // users.info
	stepClaim                      // the claim that creates the record
	stepLaterClaim                 // the claim that appends to it
	stepLookAgain                  // the live read of the request once it is claimed
	stepDial                       // the connection for the reset is dialled
	stepPost                       // the reset
	stepOwnCheck                   // the look at the operator's own account
	stepResult                     // the patch that records the result
	stepStatus                     // the update of the request's status with its outcome
)

// String is what the step is called in messages.
func (s step) String() string {
	return []string{
		"", "read of the request", "read of the workspace", "read of the Secret", "look-up of the user", "claim",
		"later claim", "second read of the request", "dial", "reset", "look at the own account", "patch of the result", "update of the status",
	}[s]
}

// when is how far a call has come.
type when int

const (
	whenBefore when = iota + 1 // it has arrived and had no effect yet
	whenDone                   // it has had its effect, the answer is held back
	whenAfter                  // the answer is handed on
)

// point is a moment of a pass that can be told from outside. The zero value is any
// moment.
type point struct {
	step step
	when when
}

// String is what the point is called in messages.
func (p point) String() string {
	if p == (point{}) {
		return "any moment"
	}
	return []string{"", "before", "done, not answered:", "after"}[p.when] + " the " + p.step.String()
}

// points are all that have a name. Of a read it makes no difference to anybody
// whether it has been answered.
func points() []point {
	var all []point
	for s := stepRequest; s <= stepStatus; s++ {
		all = append(all, point{s, whenBefore})
		switch s {
		case stepDial:
			continue
		case stepClaim, stepLaterClaim, stepPost, stepResult, stepStatus:
			all = append(all, point{s, whenDone})
		case stepRequest, stepWorkspace, stepSecret, stepLookUp, stepLookAgain, stepOwnCheck:
		}
		all = append(all, point{s, whenAfter})
	}
	return all
}

// blow is what is done to an operator.
type blow int

const (
	blowKill blow = iota + 1 // SIGKILL
	blowTerm                 // SIGTERM
	blowStop                 // SIGSTOP, and SIGCONT after a while
	blowCut                  // the connection of the call breaks, nothing else
)

// String is the signal.
func (b blow) String() string { return []string{"", "SIGKILL", "SIGTERM", "SIGSTOP", "a cut"}[b] }

// fate is what becomes of the call that is on its way when a blow falls.
type fate int

const (
	fatePassed  fate = iota + 1 // it goes its way
	fateDropped                 // it is lost
	fateLate                    // it arrives when the next operator is about to claim
)

// String is what the fate is called in messages.
func (f fate) String() string {
	return []string{"", "the call goes its way", "the call is lost", "the call arrives late"}[f]
}

// halt is how long an operator is stopped.
type halt int

const (
	haltShort   halt = iota + 1 // a second or two
	haltWindow                  // longer than a claim is good for
	haltOutcome                 // until the request has an outcome by another operator
)

// String is what the halt is called in messages.
func (h halt) String() string {
	return []string{"", "briefly", "past the time to send", "until another has ended the request"}[h]
}

// strike is one blow and the moment for it.
type strike struct {
	blow  blow
	point point
	nth   int           // the how-manieth time that the point, or any call, is reached
	delay time.Duration // after any moment
	fate  fate
	halt  halt
	held  bool // the call is held back as long as the operator is stopped
	spare bool // another operator is started at once, although one is there or ends in order
}

// String describes the strike in a failure.
func (s strike) String() string {
	text := fmt.Sprintf("%v at the %d. %v", s.blow, s.nth, s.point)
	if s.point == (point{}) {
		text += fmt.Sprintf(" and %v", s.delay)
	}
	if s.blow == blowStop {
		text += fmt.Sprintf(" %v, call held back %t", s.halt, s.held)
	}
	return text + fmt.Sprintf(", %v, spare operator %t", s.fate, s.spare)
}

// plan is what happens in one iteration.
type plan struct {
	users    int
	replicas int
	elect    bool // one of the replicas leads
	shipped  bool // in the namespace that config ships; otherwise in the iteration's own
	strikes  []strike
}

// draw makes the plan of an iteration. The first strikes of the iterations go
// through all points in turn: killed there in one round, terminated or stopped in
// the next.
func draw(seed uint64, index int) plan {
	rng := rand.New(rand.NewPCG(seed, uint64(index)))
	p := plan{users: 6 + rng.IntN(5), replicas: 1}
	if rng.IntN(5) < 2 {
		p.replicas = 2
		p.elect = rng.IntN(3) == 0
	}
	all := points()
	round := index / len(all)
	first := drawStrike(rng, all[index%len(all)])
	switch {
	case round%2 == 0:
		first.blow = blowKill
	case (index+round/2)%2 == 0:
		first.blow = blowTerm
	default:
		first.blow = blowStop
	}
	p.strikes = append(p.strikes, first.sane())
	for range 1 + rng.IntN(2) {
		next := drawStrike(rng, all[rng.IntN(len(all))])
		if rng.IntN(3) == 0 {
			next.point, next.nth = point{}, 1+rng.IntN(60)
		}
		p.strikes = append(p.strikes, next.sane())
	}
	return p
}

func drawStrike(rng *rand.Rand, at point) strike {
	blows := []blow{blowKill, blowKill, blowKill, blowTerm, blowTerm, blowStop, blowStop, blowCut}
	return strike{
		blow:  blows[rng.IntN(len(blows))],
		point: at,
		nth:   1 + rng.IntN(2),
		delay: time.Duration(rng.IntN(20)) * time.Millisecond,
		fate:  fate(1 + rng.IntN(3)),
		halt:  halt(1 + rng.IntN(3)),
		held:  rng.IntN(2) == 0,
		spare: rng.IntN(2) == 0,
	}
}

// sane leaves out what cannot be: the own account is looked at once in an
// operator's life, one claim of an iteration is refused, an answer does not arrive
// late.
func (s strike) sane() strike {
	switch s.point.step {
	case stepOwnCheck, stepLaterClaim:
		s.nth = 1
	case stepRequest, stepWorkspace, stepSecret, stepLookUp, stepClaim, stepLookAgain, stepDial,
		stepPost, stepResult, stepStatus:
	}
	switch {
	case s.blow == blowTerm || s.blow == blowStop:
		s.fate = fatePassed
	case s.blow == blowCut:
		s.fate = fateDropped
		if s.point.when == whenAfter {
			s.point.when = whenBefore
		}
	case s.point.when != whenBefore:
		s.fate = fateDropped
	case s.point.step == stepDial && s.fate == fateLate:
		s.fate = fateDropped
	}
	if s.point == (point{}) && s.blow != blowCut {
		s.fate = fatePassed
	}
	return s
}
