// Package api proves on a real API server what the kinds accept and refuse, and
// how they present themselves. No operator runs here.
package api

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

const (
	// namespace is where the tests put what has a namespace, unless they count it.
	namespace = "schema"
	// manager is the field manager of everything that the tests write.
	manager = "writer"
	// patience is how long a test waits for what must happen.
	patience = time.Minute
)

// suite is what the tests share: a cluster with config/default in it, policies
// aside.
type suite struct {
	cluster *cluster.Cluster
	config  *rest.Config // of a cluster administrator, without a limit on calls
	objects dynamic.Interface
	kube    kubernetes.Interface
}

var shared suite

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctrllog.SetLogger(logr.Discard())
	dir, err := os.MkdirTemp("", "api-")
	if err != nil {
		return fail(err)
	}
	code := fail(shared.start(context.Background(), dir))
	if code == 0 {
		code = m.Run()
	}
	return max(code, fail(errors.Join(shared.stop(), os.RemoveAll(dir))))
}

func fail(err error) int {
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintln(os.Stderr, "api:", err)
	return 1
}

func (s *suite) start(ctx context.Context, dir string) error {
	var err error
	if s.cluster, err = cluster.Start(ctx, dir); err != nil {
		return err
	}
	// What the kinds refuse must not rest on what policies refuse.
	if output, err := s.cluster.Kubectl(ctx, "delete", "-k", s.cluster.Path("config", "policy")); err != nil {
		return fmt.Errorf("remove the policies: %w\n%s", err, output)
	}
	s.config = rest.CopyConfig(s.cluster.Config)
	s.config.QPS = -1
	s.config.WarningHandler = rest.NoWarnings{}
	if s.objects, err = dynamic.NewForConfig(s.config); err != nil {
		return err
	}
	if s.kube, err = kubernetes.NewForConfig(s.config); err != nil {
		return err
	}
	space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if _, err := s.kube.CoreV1().Namespaces().Create(ctx, space, metav1.CreateOptions{}); err != nil {
		return err
	}
	return s.awaitServed(ctx)
}

func (s *suite) stop() error {
	if s.cluster == nil {
		return nil
	}
	return s.cluster.Stop()
}

// awaitServed waits until the API server serves every kind and knows the rights
// that were installed: it answers 404 and 403 for some seconds.
func (s *suite) awaitServed(ctx context.Context) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		last = s.isServed(ctx)
		return last == nil, nil
	})
	return errors.Join(err, last)
}

func (s *suite) isServed(ctx context.Context) error {
	for _, k := range kinds {
		object := k.object()
		if _, err := k.client().Create(ctx, object, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
			return fmt.Errorf("create one of %s: %w", k.resource, err)
		}
	}
	allowed, err := s.operatorMay(ctx, authorizationv1.ResourceAttributes{Verb: "get", Resource: "secrets", Namespace: namespace, Name: "chat"})
	if err == nil && !allowed {
		err = errors.New("the rights of the operator are not known yet")
	}
	return err
}

// operatorMay asks whether the operator's ServiceAccount has a right.
func (s *suite) operatorMay(ctx context.Context, right authorizationv1.ResourceAttributes) (bool, error) {
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: "system:serviceaccount:" + cluster.SystemNamespace + ":" + cluster.ServiceAccount,
		Groups: []string{
			"system:serviceaccounts", "system:serviceaccounts:" + cluster.SystemNamespace, "system:authenticated",
		},
		ResourceAttributes: &right,
	}}
	answer, err := s.kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return false, err
	}
	return answer.Status.Allowed, nil
}
