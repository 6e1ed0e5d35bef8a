package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// grace is the pod's terminationGracePeriodSeconds.
const grace = 60 * time.Second

// run carries a plan out and says whether its first strike fell at its moment.
func (it *iteration) run() (met bool, err error) {
	for range it.plan.replicas {
		if err := it.launch(); err != nil {
			return false, err
		}
	}
	for i, s := range it.plan.strikes {
		fell, err := it.strike(s)
		if err != nil {
			return met, err
		}
		if fell {
			it.on.count(s.blow)
		}
		met = met || (i == 0 && fell)
	}
	return met, it.finish()
}

// finish waits until every request has ended, lets the operators end in order, and
// waits until the requests say what the records say.
func (it *iteration) finish() error {
	if err := it.view.await(it.ctx, it.allFinished); err != nil {
		return it.why(err)
	}
	it.mu.Lock()
	it.ending = true
	operators := append([]*operator{}, it.operators...)
	it.mu.Unlock()
	for _, o := range operators {
		if err := it.end(o); err != nil {
			return err
		}
	}
	agreed, err := it.agree()
	if err != nil || agreed {
		return err
	}
	return it.review()
}

// end lets an operator end in order, once it stands still no more.
func (it *iteration) end(o *operator) error {
	it.mu.Lock()
	killed, ended, asked := o.killed, o.ended, o.asked
	it.mu.Unlock()
	if killed || ended {
		return nil
	}
	for _, ready := range []<-chan struct{}{o.launched, it.thawOf(o)} {
		select {
		case <-ready:
		case <-it.ctx.Done():
			return it.why(it.ctx.Err())
		}
	}
	if !asked {
		if err := it.terminate(o); err != nil {
			return err
		}
	}
	return it.awaitEnd(o)
}

// thawOf is closed when a stopped operator goes on, at once for any other one.
func (it *iteration) thawOf(o *operator) <-chan struct{} {
	it.mu.Lock()
	defer it.mu.Unlock()
	if o.thawed != nil {
		return o.thawed
	}
	return o.launched
}

// awaitEnd waits for the end of an operator that was asked to end. It must end
// without an error and within the pod's grace period, unless it was struck
// otherwise too, or had hardly begun to run.
func (it *iteration) awaitEnd(o *operator) error {
	err := o.process.Wait(it.ctx)
	if it.ctx.Err() != nil {
		return it.why(it.ctx.Err())
	}
	it.mu.Lock()
	defer it.mu.Unlock()
	if o.killed || o.stopped {
		return nil
	}
	if err != nil && o.process.Logs() != "" {
		it.complaints = append(it.complaints, fmt.Sprintf("operator %d was asked to end and failed: %v\n%s", o.number, err, o.process.Logs()))
	}
	if took := time.Since(o.askedAt); took > grace {
		it.complaints = append(it.complaints, fmt.Sprintf("operator %d took %v to end", o.number, took))
	}
	return nil
}

// agree says whether every request says what its record says.
func (it *iteration) agree() (bool, error) {
	records, err := it.records()
	if err != nil {
		return false, err
	}
	statuses, _ := it.view.read()
	for name := range it.asked {
		if !agrees(records[name], statuses[name].Outcome) {
			return false, nil
		}
	}
	return true, nil
}

// review starts an operator once more: a truth that came late is in the record, and
// the request is still to learn of it.
func (it *iteration) review() error {
	records, err := it.records()
	if err != nil {
		return err
	}
	it.mu.Lock()
	it.ending = false
	it.mu.Unlock()
	if err := it.launch(); err != nil {
		return err
	}
	err = it.view.await(it.ctx, func(statuses map[string]v1alpha1.UserCredentialResetStatus) bool {
		for name := range it.asked {
			if !agrees(records[name], statuses[name].Outcome) {
				return false
			}
		}
		return true
	})
	if err != nil {
		return it.why(err)
	}
	it.mu.Lock()
	it.ending = true
	last := it.operators[len(it.operators)-1]
	it.mu.Unlock()
	return it.end(last)
}

// records are the records by name of the request, without those that are not there.
func (it *iteration) records() (map[string]*v1alpha1.ResetRecord, error) {
	found := map[string]*v1alpha1.ResetRecord{}
	for name := range it.asked {
		var record v1alpha1.ResetRecord
		err := it.on.kube.Get(it.ctx, client.ObjectKey{Name: reset.RecordName(it.namespace, name)}, &record)
		switch {
		case err == nil:
			found[name] = &record
		case client.IgnoreNotFound(err) != nil:
			return nil, err
		}
	}
	return found, nil
}

// evidence is what there is to judge by.
func (it *iteration) evidence() (evidence, error) {
	records, err := it.records()
	if err != nil {
		return evidence{}, err
	}
	it.mu.Lock()
	defer it.mu.Unlock()
	e := evidence{
		asked: it.asked, records: records, outcomes: map[string]v1alpha1.Outcome{},
		tooLate: it.tooLate, lives: map[string]life{}, journal: it.chat.Journal(),
		complaints: append(append([]string{}, it.complaints...), it.view.complaints()...),
	}
	for name := range it.asked {
		var request v1alpha1.UserCredentialReset
		if err := it.on.kube.Get(it.ctx, client.ObjectKey{Namespace: it.namespace, Name: name}, &request); err != nil {
			return evidence{}, err
		}
		e.outcomes[name] = request.Status.Outcome
	}
	for _, p := range it.posts {
		e.posts = append(e.posts, *p)
	}
	lives := map[*operator]life{}
	for _, o := range it.operators {
		if strings.Contains(o.process.Logs(), `"msg":"Observed a panic"`) {
			e.complaints = append(e.complaints, fmt.Sprintf("operator %d panicked:\n%s", o.number, o.process.Logs()))
		}
		lives[o] = life{killed: o.killed, asked: o.asked, stopped: o.stopped, failed: o.failed, told: o.audits()}
	}
	for attempt, owner := range it.owners {
		e.lives[attempt] = lives[owner]
	}
	return e, nil
}

// clear takes away what the iteration leaves behind: operators of others would
// look at its records again and again.
func (it *iteration) clear(ctx context.Context) error {
	it.cancel(errors.New("the iteration is over"))
	it.behind.Wait()
	it.mu.Lock()
	operators := append([]*operator{}, it.operators...)
	it.mu.Unlock()
	var errs []error
	for _, o := range operators {
		if o.process != nil {
			errs = append(errs, it.on.kill(o.process))
		}
		o.proxy.Close()
	}
	if it.tunnel != nil {
		it.tunnel.close()
	}
	for name := range it.asked {
		record := &v1alpha1.ResetRecord{}
		record.Name = reset.RecordName(it.namespace, name)
		errs = append(errs, client.IgnoreNotFound(it.on.kube.Delete(ctx, record)))
	}
	return errors.Join(errs...)
}
