package faults

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// pastWindow is longer than a claim is good for.
const pastWindow = 12 * time.Second

// armed is a strike that waits for its moment.
type armed struct {
	strike

	reached  int
	fired    chan struct{} // closed when the blow has fallen
	operator *operator     // that was struck, from then on
	request  string        // on whose pass it was
	thawed   chan struct{} // closed when the operator was told to go on
	err      error         // why the blow could not fall
}

// hook is told of every moment of every call and says what becomes of the call.
type hook func(c call, w when) fate

// carry leads a call to where it has its effect, and its answer back. When that is
// on its way, it calls handed.
func (it *iteration) carry(c call, rw http.ResponseWriter, forward func() *httptest.ResponseRecorder, handed func()) {
	if c.step == stepClaim || c.step == stepLaterClaim {
		it.deliverLate(c.operator)
	}
	switch it.at(c, whenBefore) {
	case fateDropped:
		panic(http.ErrAbortHandler)
	case fateLate:
		it.keepLate(c.operator, func() { forward() })
		panic(http.ErrAbortHandler)
	case fatePassed:
	}
	answer := forward()
	if it.at(c, whenDone) != fatePassed {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(rw.Header(), answer.Header())
	// With its length known, the answer is whole before this returns.
	rw.Header().Set("Content-Length", strconv.Itoa(answer.Body.Len()))
	rw.WriteHeader(answer.Code)
	_, _ = rw.Write(answer.Body.Bytes())
	_ = http.NewResponseController(rw).Flush()
	handed()
	if it.at(c, whenAfter) == fateDropped {
		panic(http.ErrAbortHandler)
	}
}

func (it *iteration) at(c call, w when) fate {
	it.mu.Lock()
	h := it.hook
	it.mu.Unlock()
	if h == nil {
		return fatePassed
	}
	return h(c, w)
}

// late is a call of a dead operator that is still on its way.
type late struct {
	from    *operator
	deliver func()
}

func (it *iteration) keepLate(from *operator, deliver func()) {
	it.mu.Lock()
	defer it.mu.Unlock()
	it.late = append(it.late, late{from, deliver})
}

// deliverLate lets the calls of others arrive, just before this operator's claim.
func (it *iteration) deliverLate(claiming *operator) {
	it.mu.Lock()
	var arriving []late
	kept := it.late[:0:0]
	for _, l := range it.late {
		if l.from == claiming {
			kept = append(kept, l)
		} else {
			arriving = append(arriving, l)
		}
	}
	it.late = kept
	it.mu.Unlock()
	for _, l := range arriving {
		l.deliver()
	}
}

// arm makes the strike fall at its moment.
func (it *iteration) arm(s strike) *armed {
	a := &armed{strike: s, fired: make(chan struct{}), thawed: make(chan struct{})}
	it.mu.Lock()
	defer it.mu.Unlock()
	it.refuseNext = s.point.step == stepLaterClaim
	it.hook = func(c call, w when) fate {
		if !it.isDue(a, c, w) {
			return fatePassed
		}
		if a.point == (point{}) && a.blow != blowCut {
			time.AfterFunc(a.delay, func() { it.fall(a, c) })
			return fatePassed
		}
		return it.fall(a, c)
	}
	return a
}

// isDue counts, and says so once.
func (it *iteration) isDue(a *armed, c call, w when) bool {
	it.mu.Lock()
	defer it.mu.Unlock()
	anywhere := a.point == (point{}) && w == whenBefore
	if !anywhere && a.point != (point{c.step, w}) || c.operator.frozen || c.operator.killed {
		return false
	}
	a.reached++
	return a.reached == a.nth
}

func (it *iteration) disarm() {
	it.mu.Lock()
	defer it.mu.Unlock()
	it.hook = nil
}

// fall does the blow and says what becomes of the call.
func (it *iteration) fall(a *armed, c call) fate {
	it.mu.Lock()
	a.operator, a.request = c.operator, c.request
	it.mu.Unlock()
	a.err = it.hit(a, c.operator)
	it.noteTooLate(a)
	close(a.fired)
	if a.blow == blowStop && a.held && a.point != (point{}) {
		select {
		case <-a.thawed:
		case <-it.ctx.Done():
		}
	}
	return a.fate
}

// noteTooLate keeps an attempt in mind whose operator was stopped between the claim
// and the call, for longer than a claim is good for.
func (it *iteration) noteTooLate(a *armed) {
	if a.blow != blowStop || a.halt == haltShort || a.err != nil {
		return
	}
	it.mu.Lock()
	defer it.mu.Unlock()
	switch a.point {
	case point{stepClaim, whenDone}, point{stepLaterClaim, whenDone},
		point{stepLookAgain, whenBefore}, point{stepDial, whenBefore}:
		it.tooLate[a.operator.attempt] = true
	}
}

func (it *iteration) hit(a *armed, o *operator) error {
	switch a.blow {
	case blowKill:
		return it.kill(o)
	case blowTerm:
		return it.terminate(o)
	case blowStop:
		return it.freeze(o, a.thawed)
	case blowCut:
	}
	return nil
}

func (it *iteration) kill(o *operator) error {
	it.mu.Lock()
	o.killed = true
	it.mu.Unlock()
	return o.process.Kill()
}

// terminate sends the signal and waits until the operator has heard it, for a
// moment: it may be too busy with its start.
func (it *iteration) terminate(o *operator) error {
	it.mu.Lock()
	o.asked, o.askedAt = true, time.Now()
	it.mu.Unlock()
	if err := o.process.Signal(syscall.SIGTERM); err != nil {
		return ignoreDone(err)
	}
	ctx, cancel := context.WithTimeout(it.ctx, time.Second)
	defer cancel()
	_ = o.process.AwaitLog(ctx, stopping)
	return nil
}

func (it *iteration) freeze(o *operator, thawed <-chan struct{}) error {
	it.mu.Lock()
	o.stopped, o.frozen, o.thawed = true, true, thawed
	it.mu.Unlock()
	return ignoreDone(o.process.Freeze())
}

func (it *iteration) thaw(o *operator) error {
	it.mu.Lock()
	o.frozen = false
	it.mu.Unlock()
	return ignoreDone(o.process.Thaw())
}

func ignoreDone(err error) error {
	if errors.Is(err, os.ErrProcessDone) || errors.Is(err, syscall.ECHILD) {
		return nil
	}
	return err
}

// strike waits until the blow has fallen and sees to it that somebody carries on.
// It says whether the blow fell at its moment.
func (it *iteration) strike(s strike) (bool, error) {
	a := it.arm(s)
	met, err := it.awaitFall(a)
	it.disarm()
	if err != nil || !met {
		return false, err
	}
	if a.err != nil {
		return true, fmt.Errorf("%v: %w", s, a.err)
	}
	switch a.blow {
	case blowKill:
		if a.spare || it.alive() == 0 {
			return true, it.launch()
		}
	case blowTerm:
		return true, it.replace(a)
	case blowStop:
		return true, it.halt(a)
	case blowCut:
	}
	return true, nil
}

// awaitFall waits for the blow, or for the end of all requests.
func (it *iteration) awaitFall(a *armed) (bool, error) {
	ctx, cancel := context.WithCancel(it.ctx)
	defer cancel()
	finished := make(chan error, 1)
	go func() { finished <- it.view.await(ctx, it.allFinished) }()
	select {
	case <-a.fired:
		return true, nil
	case err := <-finished:
		if err != nil {
			return false, it.why(err)
		}
	}
	it.disarm()
	it.mu.Lock()
	falling := a.reached >= a.nth
	it.mu.Unlock()
	if falling {
		<-a.fired
	}
	return falling, nil
}

// replace starts another operator: while the terminated one still ends, or after.
func (it *iteration) replace(a *armed) error {
	if a.spare {
		if err := it.launch(); err != nil {
			return err
		}
	}
	it.behind.Go(func() {
		if err := it.awaitEnd(a.operator); err != nil {
			it.fail(err)
			return
		}
		if it.alive() == 0 {
			it.failIf(it.launch())
		}
	})
	return nil
}

// halt lets the stopped operator go on after a while.
func (it *iteration) halt(a *armed) error {
	if a.halt == haltOutcome && it.alive() == 0 {
		if err := it.launch(); err != nil {
			return err
		}
	}
	it.behind.Go(func() {
		it.failIf(it.awaitHalt(a))
		it.failIf(it.thaw(a.operator))
		close(a.thawed)
	})
	return nil
}

func (it *iteration) awaitHalt(a *armed) error {
	pause := time.Duration(1+a.reached%2) * time.Second
	switch a.halt {
	case haltOutcome:
		return it.why(it.view.await(it.ctx, func(statuses map[string]v1alpha1.UserCredentialResetStatus) bool {
			return statuses[a.request].Outcome != ""
		}))
	case haltWindow:
		pause = pastWindow
	case haltShort:
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-it.ctx.Done():
		return it.why(it.ctx.Err())
	}
}
