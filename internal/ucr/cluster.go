package ucr

import (
	"context"
	"errors"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/ucr/advice"
)

// The resources that the plugin touches, as RBAC names them.
const (
	requests   = "usercredentialresets"
	approvals  = "resetapprovals"
	records    = "resetrecords"
	workspaces = "rocketchatworkspaces"
	events     = "events"
)

// lookAgain is the pause before a watch that broke off is begun anew.
const lookAgain = time.Second

// cluster is all that the plugin does to a cluster. Every error of its methods is a
// sentence for the person who runs the plugin.
type cluster struct {
	kube      client.WithWatch
	server    string
	namespace string // of the kubeconfig's context, or of the command line
}

// refusal is an error of the API server that has been told in a sentence.
type refusal struct {
	sentence string
	cause    error
}

// Error is the sentence.
func (r *refusal) Error() string { return r.sentence }

// Unwrap is the API server's own error.
func (r *refusal) Unwrap() error { return r.cause }

func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	return scheme, errors.Join(v1alpha1.AddToScheme(scheme), corev1.AddToScheme(scheme), authenticationv1.AddToScheme(scheme))
}

// mapper knows the few kinds that are needed, so that no discovery is.
func mapper() meta.RESTMapper {
	m := meta.NewDefaultRESTMapper([]schema.GroupVersion{v1alpha1.GroupVersion})
	for _, kind := range []string{"UserCredentialReset", "ResetApproval", "RocketChatWorkspace"} {
		m.Add(v1alpha1.GroupVersion.WithKind(kind), meta.RESTScopeNamespace)
	}
	m.Add(v1alpha1.GroupVersion.WithKind("ResetRecord"), meta.RESTScopeRoot)
	m.Add(corev1.SchemeGroupVersion.WithKind("Event"), meta.RESTScopeNamespace)
	m.Add(authenticationv1.SchemeGroupVersion.WithKind("SelfSubjectReview"), meta.RESTScopeRoot)
	return m
}

// connect prepares the connection that kubeconfig and flags describe. Nothing is
// called yet.
func (p *plugin) connect() (*cluster, error) {
	namespace, _, err := p.flags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, fmt.Errorf("the kubeconfig cannot be used: %w", err)
	}
	config, err := p.flags.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("the kubeconfig cannot be used: %w", err)
	}
	// Without any configuration, this is what the loader falls back to.
	if config.Host == "http://localhost:8080" && *p.flags.APIServer == "" {
		return nil, errors.New("no cluster is configured: set KUBECONFIG, or name a file with --kubeconfig")
	}
	// An incident is some hundred calls, as many as kubectl itself may make.
	config.QPS, config.Burst = 50, 300
	config.UserAgent = rest.DefaultKubernetesUserAgent()
	config.WarningHandler = rest.NewWarningWriter(p.streams.ErrOut, rest.WarningWriterOptions{Deduplicate: true})
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	kube, err := client.NewWithWatch(config, client.Options{Scheme: scheme, Mapper: mapper()})
	if err != nil {
		return nil, err
	}
	return &cluster{kube: kube, server: config.Host, namespace: namespace}, nil
}

// told makes a sentence of an error. An interruption is none of the API server's.
func (c *cluster) told(ctx context.Context, deed advice.Deed, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	deed.Server = c.server
	if who, failed := c.whoAmI(ctx); failed == nil {
		deed.Who = who
	}
	return &refusal{sentence: advice.Explain(deed, err), cause: err}
}

// whoAmI is who runs the plugin, as the API server knows them.
func (c *cluster) whoAmI(ctx context.Context) (string, error) {
	review := &authenticationv1.SelfSubjectReview{}
	if err := c.kube.Create(ctx, review); err != nil {
		return "", err
	}
	return review.Status.UserInfo.Username, nil
}

// ownName is whoAmI for a request, "" if that cannot be found out: where nothing needs
// approval, the request is as good without it.
func (c *cluster) ownName(ctx context.Context) string {
	who, err := c.whoAmI(ctx)
	if err != nil {
		return ""
	}
	return who
}

// me is whoAmI for a command that cannot do without.
func (c *cluster) me(ctx context.Context) (string, error) {
	who, err := c.whoAmI(ctx)
	return who, c.told(ctx, advice.Deed{Verb: "create", Resource: "selfsubjectreviews"}, err)
}

func (c *cluster) request(ctx context.Context, name string) (*v1alpha1.UserCredentialReset, error) {
	request := &v1alpha1.UserCredentialReset{}
	err := c.kube.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: name}, request)
	return request, c.told(ctx, advice.Deed{Verb: "get", Resource: requests, Namespace: c.namespace, Name: name}, err)
}

// requests lists requests of a namespace; an empty one means all.
func (c *cluster) requests(ctx context.Context, namespace string, options ...client.ListOption) (*v1alpha1.UserCredentialResetList, error) {
	list := &v1alpha1.UserCredentialResetList{}
	err := c.kube.List(ctx, list, append(options, client.InNamespace(namespace))...)
	return list, c.told(ctx, advice.Deed{Verb: "list", Resource: requests, Namespace: namespace}, err)
}

// widest lists the requests of all namespaces if they may be listed, or else of this
// one. The cluster returned looks in the same.
func (c *cluster) widest(ctx context.Context) (*cluster, []v1alpha1.UserCredentialReset, error) {
	wide := *c
	wide.namespace = ""
	list, err := wide.requests(ctx, wide.namespace)
	if apierrors.IsForbidden(err) {
		wide.namespace = c.namespace
		list, err = wide.requests(ctx, wide.namespace)
	}
	return &wide, list.Items, err
}

func (c *cluster) createRequest(ctx context.Context, request *v1alpha1.UserCredentialReset, options ...client.CreateOption) error {
	deed := advice.Deed{Verb: "create", Resource: requests, Namespace: request.Namespace, Name: request.Name}
	return c.told(ctx, deed, c.kube.Create(ctx, request, options...))
}

func (c *cluster) createApproval(ctx context.Context, approval *v1alpha1.ResetApproval) error {
	deed := advice.Deed{Verb: "create", Resource: approvals, Namespace: approval.Namespace}
	return c.told(ctx, deed, c.kube.Create(ctx, approval))
}

func workspaceDeed(at v1alpha1.RecordedWorkspace) advice.Deed {
	return advice.Deed{Verb: "get", Resource: workspaces, Namespace: at.Namespace, Name: at.Name}
}

func (c *cluster) workspace(ctx context.Context, at v1alpha1.RecordedWorkspace) (*v1alpha1.RocketChatWorkspace, error) {
	workspace := &v1alpha1.RocketChatWorkspace{}
	err := c.kube.Get(ctx, client.ObjectKey{Namespace: at.Namespace, Name: at.Name}, workspace)
	return workspace, c.told(ctx, workspaceDeed(at), err)
}

func (c *cluster) workspaces(ctx context.Context, namespace string) ([]v1alpha1.RocketChatWorkspace, error) {
	list := &v1alpha1.RocketChatWorkspaceList{}
	err := c.kube.List(ctx, list, client.InNamespace(namespace))
	return list.Items, c.told(ctx, advice.Deed{Verb: "list", Resource: workspaces, Namespace: namespace}, err)
}

// record is the record of the request of that name, which may be gone.
func (c *cluster) record(ctx context.Context, namespace, name string) (*v1alpha1.ResetRecord, error) {
	record := &v1alpha1.ResetRecord{}
	key := client.ObjectKey{Name: reset.RecordName(namespace, name)}
	return record, c.told(ctx, advice.Deed{Verb: "get", Resource: records, Name: key.Name}, c.kube.Get(ctx, key, record))
}

func (c *cluster) records(ctx context.Context) ([]v1alpha1.ResetRecord, error) {
	list := &v1alpha1.ResetRecordList{}
	err := c.kube.List(ctx, list)
	return list.Items, c.told(ctx, advice.Deed{Verb: "list", Resource: records}, err)
}

func (c *cluster) events(ctx context.Context, request *v1alpha1.UserCredentialReset) ([]corev1.Event, error) {
	list := &corev1.EventList{}
	err := c.kube.List(ctx, list, client.InNamespace(request.Namespace),
		client.MatchingFields{"involvedObject.uid": string(request.UID)})
	return list.Items, c.told(ctx, advice.Deed{Verb: "list", Resource: events, Namespace: request.Namespace}, err)
}

// named selects the request of a name.
func named(name string) client.ListOption {
	return client.MatchingFieldsSelector{Selector: fields.OneTermEqualSelector("metadata.name", name)}
}

// change is a request as it is now, or as it was when it was deleted.
type change struct {
	request *v1alpha1.UserCredentialReset
	deleted bool
}

// audience is shown how requests stand until it says that it has seen enough.
type audience interface {
	// all is shown every request that there is: what is missing has been deleted.
	all(requests []v1alpha1.UserCredentialReset) (enough bool)
	// one is shown a request that has changed.
	one(now change) (enough bool)
}

// follow shows the requests that the option selects as they are now, and each again
// when it changes. A watch that breaks off is begun anew, with all of them.
func (c *cluster) follow(ctx context.Context, option client.ListOption, seen audience) error {
	var refused error
	err := wait.PollUntilContextCancel(ctx, lookAgain, true, func(ctx context.Context) (bool, error) {
		done, err := c.followOnce(ctx, option, seen)
		if err != nil && !advice.IsPassing(err) {
			refused = err
			return false, err
		}
		return done, nil
	})
	if refused != nil {
		return refused
	}
	return err
}

func (c *cluster) followOnce(ctx context.Context, option client.ListOption, seen audience) (bool, error) {
	list, err := c.requests(ctx, c.namespace, option)
	if err != nil {
		return false, err
	}
	if seen.all(list.Items) {
		return true, nil
	}
	watcher, err := c.kube.Watch(ctx, &v1alpha1.UserCredentialResetList{}, option, client.InNamespace(c.namespace), since(list.ResourceVersion))
	if err != nil {
		return false, c.told(ctx, advice.Deed{Verb: "watch", Resource: requests, Namespace: c.namespace}, err)
	}
	defer watcher.Stop()
	for event := range watcher.ResultChan() {
		request, is := event.Object.(*v1alpha1.UserCredentialReset)
		if is && seen.one(change{request: request, deleted: event.Type == watch.Deleted}) {
			return true, nil
		}
	}
	return false, ctx.Err()
}
