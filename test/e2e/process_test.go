package e2e

import (
	"context"
	"net/http"
	"sync"

	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// startOperator starts an operator that looks after the fixture's namespace alone.
// If it still runs at the end of the test, it must end as it should.
func (f *fixture) startOperator(options cluster.OperatorOptions) *cluster.Operator {
	f.t.Helper()
	options.Args = append([]string{"--watch-namespaces", f.namespace}, options.Args...)
	operator, err := suiteOf.startOperator(f.t.Context(), f.on, options)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		if operator.IsRunning() {
			f.stopOperator(operator)
		}
	})
	return operator
}

// stopOperator asks the operator to end, which it must do without an error.
func (f *fixture) stopOperator(operator *cluster.Operator) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(f.t.Context()), patience)
	defer cancel()
	if err := operator.Stop(ctx); err != nil {
		f.t.Errorf("the operator did not end as it should: %v\n%s", err, operator.Logs())
	}
}

// startProxy starts a proxy in front of the API server, and an operator behind it.
// The hook, if there is one, sees everything that the operator sends.
func (f *fixture) startProxy(hook cluster.Hook) *cluster.Proxy {
	f.t.Helper()
	proxy, err := f.on.cluster.StartProxy()
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(proxy.Close)
	proxy.Intercept(hook)
	kubeconfig, err := proxy.Kubeconfig(f.t.Context(), f.on.cluster)
	if err != nil {
		f.t.Fatal(err)
	}
	f.startOperator(cluster.OperatorOptions{Kubeconfig: kubeconfig})
	return proxy
}

// holdPosts lets no reset reach the workspace until release is called. One that
// was given up by its caller arrives all the same, as it may on a real network.
func (f *fixture) holdPosts() (release func()) {
	released := make(chan struct{})
	f.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPost {
			<-released
		}
		next.ServeHTTP(rw, r)
	})
	release = sync.OnceFunc(func() { close(released) })
	f.t.Cleanup(release)
	return release
}

// receive waits for something to be told by a hook.
func receive[T any](f *fixture, from <-chan T) T {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	select {
	case told := <-from:
		return told
	case <-ctx.Done():
		f.t.Fatal("what a hook was to see did not happen")
		panic("unreachable")
	}
}
