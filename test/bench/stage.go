package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/controllers"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// stage is a control plane of its own, on which one case is measured.
type stage struct {
	*bench
	cluster *cluster.Cluster
	kube    client.Client
	closers []func() error
}

func (b *bench) open(ctx context.Context) (*stage, error) {
	dir, err := os.MkdirTemp(b.dir, "stage-")
	if err != nil {
		return nil, err
	}
	s := &stage{bench: b}
	if s.cluster, err = cluster.StartAudited(ctx, dir); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.cluster.Stop)
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.cluster.Config.QPS = -1
	if s.kube, err = client.New(s.cluster.Config, client.Options{Scheme: scheme}); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// close ends everything, the youngest first.
func (s *stage) close() error {
	var errs []error
	for _, end := range slices.Backward(s.closers) {
		errs = append(errs, end())
	}
	return errors.Join(errs...)
}

// operate starts the operator and waits until it is ready.
func (s *stage) operate(ctx context.Context, args ...string) (*cluster.Operator, error) {
	operator, err := s.cluster.StartOperator(ctx, cluster.OperatorOptions{Binary: s.binary, Args: args})
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, operator.Kill)
	return operator, nil
}

// chat is a simulated server with the people that are reset, and the namespace from
// which it is used.
type chat struct {
	*simulator.Workspace
	server    *simulator.Server
	namespace string
	secret    *corev1.Secret
	workspace *v1alpha1.RocketChatWorkspace
}

// chatOf starts a server for so many people. Without a limit the account is exempt
// from the limiter.
func (s *stage) chatOf(ctx context.Context, namespace string, people int, limit simulator.Limit) (*chat, error) {
	users := simulator.SampleUsers()[:1]
	if limit.Calls == 0 {
		users[0].Roles = append(users[0].Roles, "bot")
	}
	for i := range people {
		users = append(users, simulator.User{
			ID: personID(i), Username: personName(i), Roles: []string{"user"},
			TOTP: &simulator.TOTP{Enabled: true, Secret: simulator.SampleTOTPSecret},
		})
	}
	c := &chat{Workspace: simulator.New(simulator.Options{Users: users, Limit: limit}), namespace: namespace}
	var err error
	if c.server, err = simulator.Serve(c.Workspace, simulator.ServeOptions{}); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, func() error { c.server.Close(); return nil })
	c.secret = &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "chat"},
		Type:       controllers.SecretType,
		Data: map[string][]byte{
			"url": []byte(c.server.URL), "userId": []byte(simulator.SampleBotID), "ca.crt": c.server.CA,
			"authToken":  []byte(simulator.TokenFor(simulator.SampleBotID, simulator.TokenPAT)),
			"totpSecret": []byte(simulator.SampleTOTPSecret),
		},
	}
	c.workspace = &v1alpha1.RocketChatWorkspace{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "chat"},
		Spec: v1alpha1.RocketChatWorkspaceSpec{
			SecretRef:    v1alpha1.SecretReference{Name: "chat"},
			AllowedTypes: []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP},
			Budget:       &v1alpha1.ResetBudget{MaxResets: 1_000_000},
		},
	}
	for _, object := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, c.secret, c.workspace,
	} {
		if err := s.kube.Create(ctx, object); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func personID(i int) string   { return fmt.Sprintf("person%011d", i) }
func personName(i int) string { return fmt.Sprintf("person-%05d", i) }

// requestOf is a request for the reset of a person.
func (c *chat) requestOf(i int) *v1alpha1.UserCredentialReset {
	return &v1alpha1.UserCredentialReset{
		ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: fmt.Sprintf("reset-%05d", i)},
		Spec: v1alpha1.UserCredentialResetSpec{
			WorkspaceRef: v1alpha1.WorkspaceReference{Name: "chat", Namespace: c.namespace},
			User:         v1alpha1.UserReference{Username: personName(i)},
			Type:         v1alpha1.ResetTypeTOTP,
			NotAfterTime: metav1.NewTime(time.Now().Add(2 * time.Hour).Truncate(time.Second)),
		},
	}
}

// createAll creates requests for so many people, one after the other, so that their
// order is known.
func (s *stage) createAll(ctx context.Context, c *chat, count int) ([]*v1alpha1.UserCredentialReset, error) {
	var requests []*v1alpha1.UserCredentialReset
	for i := range count {
		request := c.requestOf(i)
		if err := s.kube.Create(ctx, request); err != nil {
			return nil, err
		}
		requests = append(requests, request)
	}
	return requests, nil
}

// inParallel does something for each number below count, several at a time.
func inParallel(count int, do func(i int) error) error {
	const workers = 16
	numbers := make(chan int)
	var group sync.WaitGroup
	errs := make([]error, workers)
	for worker := range workers {
		group.Go(func() {
			for i := range numbers {
				if errs[worker] == nil {
					errs[worker] = do(i)
				}
			}
		})
	}
	for i := range count {
		numbers <- i
	}
	close(numbers)
	group.Wait()
	return errors.Join(errs...)
}
