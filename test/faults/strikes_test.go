package faults

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestStrikes carries the plans out that are drawn from the seed. The first strikes
// go through all named points. One plan is repeated with
//
//	go test ./test/faults -run 'TestStrikes/17$' -args -seed 4711
func TestStrikes(t *testing.T) {
	t.Parallel()
	slots := make(chan struct{}, *together)
	var group sync.WaitGroup
	for i := range *iterations { //nolint:paralleltest // iterations have a limit of their own: most of them wait for a minute
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			t.Run(fmt.Sprint(i), func(t *testing.T) { strikeOnce(t, draw(*seed, i)) })
		})
	}
	group.Wait()
}

func strikeOnce(t *testing.T, p plan) {
	t.Helper()
	it := newIteration(t, p)
	met, err := it.run()
	if err != nil {
		it.explain(t, err.Error())
		return
	}
	if !met {
		it.explain(t, fmt.Sprintf("no operator came to the point of the first strike: %v", p.strikes[0]))
	}
	v := it.judge(t)
	suiteOf.sum(len(it.asked), v)
}

// newIteration begins an iteration that ends with the test.
func newIteration(t *testing.T, p plan) *iteration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	it, err := begin(ctx, &suiteOf, p)
	t.Cleanup(func() {
		if err := it.clear(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return it
}

// judge reports what breaks the promise.
func (it *iteration) judge(t *testing.T) verdict {
	t.Helper()
	e, err := it.evidence()
	if err != nil {
		t.Fatal(err)
	}
	v := judge(e)
	if len(v.complaints) > 0 {
		it.explain(t, strings.Join(v.complaints, "\n"))
	}
	return v
}

// explain reports a failure with all that is needed to look into it.
func (it *iteration) explain(t *testing.T, what string) {
	t.Helper()
	var plan strings.Builder
	for _, s := range it.plan.strikes {
		fmt.Fprintf(&plan, "\n  %v", s)
	}
	it.mu.Lock()
	operators := append([]*operator{}, it.operators...)
	for _, o := range operators {
		fmt.Fprintf(&plan, "\n  operator %d: killed %t, asked to end %t, stopped %t, ended %t, failed %t",
			o.number, o.killed, o.asked, o.stopped, o.ended, o.failed)
	}
	it.mu.Unlock()
	for _, o := range operators {
		if o.process == nil {
			continue
		}
		path := filepath.Join(suiteOf.dir, fmt.Sprintf("%s-operator-%d.log", it.namespace, o.number))
		if err := os.WriteFile(path, []byte(o.process.Logs()), 0o600); err != nil {
			t.Error(err)
		}
	}
	t.Errorf("-seed %d, %s, %d users, %d operators, election %t:%s\n%s\nThe operators' logs are in %s.",
		*seed, it.namespace, it.plan.users, it.plan.replicas, it.plan.elect, plan.String(), what, suiteOf.dir)
}
