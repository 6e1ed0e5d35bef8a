package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/controllers"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// iteration is a workspace with its requests, and the operators that are struck
// while they carry them out. Nothing of it is shared with other iterations but
// the cluster; operators see each other's records, as they do on any cluster.
type iteration struct {
	plan      plan
	on        *suite
	ctx       context.Context // ends with the iteration
	cancel    context.CancelCauseFunc
	namespace string
	chat      *simulator.Workspace
	server    *simulator.Server
	tunnel    *tunnel
	view      *view
	asked     map[string]asked  // by name of the request
	byUser    map[string]string // names of requests by id and by name of their user
	behind    sync.WaitGroup    // what happens beside the strikes

	mu         sync.Mutex
	operators  []*operator
	owners     map[string]*operator // by id of the attempt
	posts      []*post
	tooLate    map[string]bool // attempts whose call must not be made any more
	hook       hook
	late       []late
	refuseNext bool
	ending     bool
	complaints []string
}

// asked is what a request asks for.
type asked struct {
	userID string
	kind   v1alpha1.ResetType
}

// begin makes the workspace, its users and a request for each of them.
func begin(ctx context.Context, on *suite, p plan) (*iteration, error) {
	it := &iteration{
		plan: p, on: on, view: newView(),
		namespace: on.newName(),
		asked:     map[string]asked{}, byUser: map[string]string{}, owners: map[string]*operator{}, tooLate: map[string]bool{},
	}
	it.ctx, it.cancel = context.WithCancelCause(ctx)
	if err := it.openWorkspace(); err != nil {
		return it, err
	}
	objects := append([]client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: it.namespace}},
		it.secret(), it.workspace(),
	}, it.requests()...)
	if p.elect && !p.shipped {
		objects = append(objects, it.electionRights()...)
	}
	for _, object := range objects {
		if err := on.kube.Create(it.ctx, object); err != nil {
			return it, fmt.Errorf("create %T: %w", object, err)
		}
	}
	it.behind.Go(func() { it.failIf(it.view.watch(it.ctx, on.kube, it.namespace)) })
	return it, nil
}

func (it *iteration) openWorkspace() error {
	users := simulator.SampleUsers()[:1] // the operator's own account
	for i := range it.plan.users {
		user := member(i)
		users = append(users, user)
		name := fmt.Sprintf("for-%s", user.Username)
		kind := v1alpha1.ResetTypeTOTP
		if i%2 == 1 {
			kind = v1alpha1.ResetTypeE2EKey
		}
		it.asked[name] = asked{userID: user.ID, kind: kind}
		it.byUser[user.ID], it.byUser[user.Username] = name, name
	}
	it.chat = simulator.New(simulator.Options{Users: users, Limit: simulator.Limit{Calls: 1000}})
	it.chat.Intercept(it.answer)
	var err error
	if it.server, err = simulator.Serve(it.chat, simulator.ServeOptions{}); err != nil {
		return err
	}
	it.tunnel, err = openTunnel(strings.TrimPrefix(it.server.URL, "https://"), it.dialled)
	return err
}

// member is a user with both credentials.
func member(i int) simulator.User {
	id, name := fmt.Sprintf("member%02dId", i), fmt.Sprintf("member-%02d", i)
	return simulator.User{
		ID: id, Username: name, Type: simulator.TypeUser, Roles: []string{"user"},
		Emails: []simulator.Email{{Address: name + "@example.org", Verified: true}},
		TOTP:   &simulator.TOTP{Enabled: true, Secret: simulator.SampleTOTPSecret, BackupHashes: []string{}},
		E2E:    &simulator.E2EKeys{PublicKey: "public key", PrivateKey: "private key"},
		Tokens: simulator.Tokens(id, simulator.TokenSession),
	}
}

func (it *iteration) secret() *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: it.namespace, Name: "chat"},
		Type:       controllers.SecretType,
		StringData: map[string]string{
			"url": "https://" + it.tunnel.address(), "ca.crt": string(it.server.CA),
			"userId":     simulator.SampleBotID,
			"authToken":  simulator.TokenFor(simulator.SampleBotID, simulator.TokenPAT),
			"totpSecret": simulator.SampleTOTPSecret,
		},
	}
}

func (it *iteration) workspace() *v1alpha1.RocketChatWorkspace {
	return &v1alpha1.RocketChatWorkspace{
		ObjectMeta: metav1.ObjectMeta{Namespace: it.namespace, Name: "chat"},
		Spec: v1alpha1.RocketChatWorkspaceSpec{
			SecretRef:    v1alpha1.SecretReference{Name: "chat"},
			AllowedTypes: []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP, v1alpha1.ResetTypeE2EKey},
			// Where many iterations share two cores, nobody may run out of time by
			// accident.
			RequestTimeoutSeconds: 15,
		},
	}
}

// requests are one for each user; every third one names the id as well.
func (it *iteration) requests() []client.Object {
	var objects []client.Object
	for i := range it.plan.users {
		user := member(i)
		name := it.byUser[user.ID]
		request := &v1alpha1.UserCredentialReset{
			ObjectMeta: metav1.ObjectMeta{Namespace: it.namespace, Name: name},
			Spec: v1alpha1.UserCredentialResetSpec{
				WorkspaceRef: v1alpha1.WorkspaceReference{Name: "chat"},
				User:         v1alpha1.UserReference{Username: user.Username},
				Type:         it.asked[name].kind,
				NotAfterTime: metav1.NewTime(time.Now().Add(time.Hour).Truncate(time.Second)),
			},
		}
		if i%3 == 0 {
			request.Spec.User.ID = user.ID
		}
		objects = append(objects, request)
	}
	return objects
}

// electionRights are the rights that config ships for the lease, in the
// iteration's own namespace: elections go on beside each other.
func (it *iteration) electionRights() []client.Object {
	role := it.on.electionRole.DeepCopy()
	role.ObjectMeta = metav1.ObjectMeta{Namespace: it.namespace, Name: role.Name}
	return []client.Object{role, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: it.namespace, Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: cluster.SystemNamespace, Name: cluster.ServiceAccount}},
	}}
}

// launch starts an operator of the iteration's own, unless all is over.
func (it *iteration) launch() error {
	o, err := it.enrol()
	if err != nil || o == nil {
		return err
	}
	return it.bring(o)
}

// enrol prepares an operator and its proxy, nil if the iteration is about to end.
func (it *iteration) enrol() (*operator, error) {
	proxy, err := it.on.cluster.StartProxy()
	if err != nil {
		return nil, err
	}
	it.mu.Lock()
	defer it.mu.Unlock()
	if it.ending {
		proxy.Close()
		return nil, nil //nolint:nilnil // there is none
	}
	o := &operator{of: it, number: len(it.operators), proxy: proxy, launched: make(chan struct{})}
	it.operators = append(it.operators, o)
	proxy.Intercept(o.serve)
	return o, nil
}

// bring starts the operator's process.
func (it *iteration) bring(o *operator) error {
	kubeconfig, err := it.kubeconfig(o.proxy)
	if err != nil {
		return err
	}
	args := []string{
		"--watch-namespaces", it.namespace,
		"--health-probe-bind-address", "0", "--metrics-bind-address", "0",
	}
	if it.plan.elect {
		args = append(args, "--leader-elect")
	}
	o.process, err = it.on.launch(it.ctx, cluster.OperatorOptions{Kubeconfig: kubeconfig, Args: args})
	if err != nil {
		return err
	}
	close(o.launched)
	it.behind.Go(func() { it.mourn(o) })
	return nil
}

// kubeconfig leads through the proxy. Its namespace is where the lease lies, which
// is the shipped one unless the iteration has its own.
func (it *iteration) kubeconfig(proxy *cluster.Proxy) (string, error) {
	path, err := proxy.Kubeconfig(it.ctx, it.on.cluster)
	if err != nil || !it.plan.elect || it.plan.shipped {
		return path, err
	}
	config, err := clientcmd.LoadFromFile(path)
	if err != nil {
		return "", err
	}
	config.Contexts[config.CurrentContext].Namespace = it.namespace
	return path, clientcmd.WriteToFile(*config, path)
}

// mourn waits for the operator's end. Who was not struck and leads nobody has no
// reason to end; who has lost an election is started again, as in a pod.
func (it *iteration) mourn(o *operator) {
	err := o.process.Wait(it.ctx)
	if it.ctx.Err() != nil {
		return
	}
	it.mu.Lock()
	o.ended, o.failed = true, err != nil
	expected, ending := o.killed || o.asked, it.ending
	it.mu.Unlock()
	switch {
	case expected || ending:
	case it.plan.elect:
		it.failIf(it.launch())
	default:
		it.fail(fmt.Errorf("operator %d ended by itself: %w\n%s", o.number, err, o.process.Logs()))
	}
}

// alive counts the operators that can work.
func (it *iteration) alive() int {
	it.mu.Lock()
	defer it.mu.Unlock()
	count := 0
	for _, o := range it.operators {
		if !o.killed && !o.asked && !o.frozen && !o.ended {
			count++
		}
	}
	return count
}

// requestOf is the name of the request that the record is for.
func (it *iteration) requestOf(record string) string {
	for name := range it.asked {
		if reset.RecordName(it.namespace, name) == record {
			return name
		}
	}
	return ""
}

func (it *iteration) allFinished(statuses map[string]v1alpha1.UserCredentialResetStatus) bool {
	for name := range it.asked {
		if statuses[name].Outcome == "" {
			return false
		}
	}
	return true
}

// fail ends the iteration.
func (it *iteration) fail(err error) { it.cancel(err) }

func (it *iteration) failIf(err error) {
	if err != nil {
		it.fail(err)
	}
}

// why is the reason for which the iteration ended, if it did.
func (it *iteration) why(err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(context.Cause(it.ctx), it.describe())
}

// describe tells what is not finished.
func (it *iteration) describe() error {
	statuses, _ := it.view.read()
	var open []string
	for name := range it.asked {
		if status := statuses[name]; status.Outcome == "" {
			open = append(open, fmt.Sprintf("%s: %+v", name, status.Conditions))
		}
	}
	slices.Sort(open)
	if len(open) == 0 {
		return nil
	}
	return fmt.Errorf("not finished:\n%s", strings.Join(open, "\n"))
}
