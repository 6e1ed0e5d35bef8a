package controllers

import (
	"fmt"
	"slices"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// scenario is how a world begins, and what may happen in it.
type scenario struct {
	name  string
	build func(*world)
	// calm, if not 0, says that every call goes well and nothing happens: what differs
	// between schedules is who does something when. All of them with at most this many
	// deviations are run, however many there are.
	calm int
}

func scenarios() []scenario {
	return []scenario{
		{name: "one-operator", build: func(w *world) {
			w.furnish()
			w.ask1("lost-phone", "alice")
			w.mayHappen(w.newReplicas(1), "lost-phone")
		}},
		{name: "two-operators", build: func(w *world) {
			w.furnish()
			w.ask1("lost-phone", "alice")
			w.mayHappen(w.newReplicas(2), "lost-phone")
		}},
		{name: "two-requests", build: func(w *world) {
			w.furnish()
			w.ask1("lost-phone", "alice")
			w.ask1("also-lost", "alice")
			w.mayHappen(w.newReplicas(1), "lost-phone")
		}},
		{name: "two-requests-two-operators", build: func(w *world) {
			w.furnish()
			w.ask1("lost-phone", "alice")
			w.ask1("also-lost", "alice")
			w.mayHappen(w.newReplicas(2), "also-lost")
		}},
		{name: "two-people", build: func(w *world) {
			w.furnish()
			w.ask1("lost-phone", "alice")
			w.ask1("also-lost", "bob")
			w.mayHappen(w.newReplicas(1), "also-lost")
		}},
		{name: "after-a-crash", build: func(w *world) {
			w.furnish()
			w.ask1("lost-phone", "alice")
			w.abandon("lost-phone", "alice")
			w.after(2*time.Minute, "a second request", func() { w.ask1("also-lost", "alice") })
			w.mayHappen(w.newReplicas(1), "also-lost")
		}},
		{name: "approval", build: func(w *world) {
			w.furnish()
			w.requireApproval()
			w.ask1("lost-phone", "alice")
			w.mayHappen(w.newReplicas(2), "lost-phone")
			w.mayHappenToTheApproval("lost-phone")
		}},
		{name: "budget", build: func(w *world) {
			w.furnish()
			w.limit(1, 4*time.Minute)
			w.ask1("lost-phone", "alice")
			w.ask1("also-lost", "bob")
			w.mayHappen(w.newReplicas(1), "also-lost")
		}},
		{name: "calm-two-operators", calm: 2, build: func(w *world) {
			w.furnish()
			w.ask1("lost-phone", "alice")
			w.newReplicas(2)
		}},
		{name: "calm-two-requests-two-operators", calm: 2, build: func(w *world) {
			w.furnish()
			w.ask1("lost-phone", "alice")
			w.ask1("also-lost", "alice")
			w.newReplicas(2)
		}},
		{name: "calm-brake-in-between", calm: 2, build: func(w *world) {
			w.furnish()
			w.ask1("lost-phone", "alice")
			replicas := w.newReplicas(2)
			w.after(58*time.Millisecond, "the user to be protected", w.protect)
			w.mayMeet(replicas[0], replicas[1])
		}},
		{name: "clocks-differ", build: func(w *world) {
			w.furnish()
			w.ask1("lost-phone", "alice")
			replicas := w.newReplicas(2)
			replicas[0].offset, replicas[0].drift = 3*time.Hour, 1400*time.Millisecond
			replicas[1].offset, replicas[1].drift = -20*time.Minute, -1400*time.Millisecond
			w.after(time.Minute, "a second request", func() { w.ask1("also-lost", "alice") })
			w.mayHappen(replicas, "lost-phone")
		}},
	}
}

func key(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "chat", Name: name}
}

// furnish makes a workspace and its Secret.
func (w *world) furnish() {
	w.server.add(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "chat", Name: "chat"}, Type: SecretType,
		Data: map[string][]byte{"url": []byte(chatURL), "userId": []byte(botID), "authToken": []byte("token"), "totpSecret": []byte("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")},
	})
	w.server.add(&v1alpha1.RocketChatWorkspace{
		ObjectMeta: metav1.ObjectMeta{Namespace: "chat", Name: "chat"},
		Spec: v1alpha1.RocketChatWorkspaceSpec{
			SecretRef: v1alpha1.SecretReference{Name: "chat"}, RequestTimeoutSeconds: 10,
			AllowedTypes: []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP, v1alpha1.ResetTypeE2EKey},
		},
	})
}

// ask1 creates a request.
func (w *world) ask1(name, username string) {
	request := &v1alpha1.UserCredentialReset{
		ObjectMeta: metav1.ObjectMeta{Namespace: "chat", Name: name},
		Spec: v1alpha1.UserCredentialResetSpec{
			WorkspaceRef: v1alpha1.WorkspaceReference{Name: "chat"},
			User:         v1alpha1.UserReference{Username: username},
			Type:         v1alpha1.ResetTypeTOTP,
			RequestedBy:  "ann",
			NotAfterTime: metav1.NewTime(w.now.Add(validity).Truncate(time.Second)),
		},
	}
	w.server.add(request)
	w.created[string(request.UID)] = request.CreationTimestamp.Time
	w.endAfter(validity + graceTime)
}

// abandon leaves an open attempt of a process that is no more.
func (w *world) abandon(name, username string) {
	request := w.server.request(key(name))
	target := v1alpha1.Target{Host: chatURL, UserID: peopleIDs()[username], Username: username}
	record := reset.NewRecord(request, target, v1alpha1.Attempt{
		ID: "attempt-of-the-dead", StartTime: metav1.NewTime(w.now.Truncate(time.Second)), SecretResourceVersion: "1",
	})
	w.audited["attempt-of-the-dead"] = true
	w.server.add(record)
	w.chat.posts = append(w.chat.posts, &post{attempt: "attempt-of-the-dead", request: request.UID, userID: target.UserID, kind: request.Spec.Type, at: w.now, effects: 1})
	w.loses("an attempt was abandoned")
}

func (w *world) newReplicas(count int) []*replica {
	for _, name := range []string{"first", "second"}[:count] {
		p := newReplica(w, name)
		w.after(0, "the start of "+name, p.start)
	}
	return w.replicas
}

// mayHappen lists what may happen to the replicas, to what they work on, and to
// the request of that name.
func (w *world) mayHappen(replicas []*replica, name string) {
	for _, p := range replicas {
		w.may(p.name+" crashes", func() bool { return p.up }, p.crash)
		w.may(p.name+" crashes again", func() bool { return p.up && p.life > 1 }, p.crash)
		w.may(p.name+" is asked to stop", func() bool { return p.running() && !p.stopping }, p.terminate)
		w.may(p.name+" is stopped for 12 s", p.running, func() { w.pause(p, 12*time.Second) })
		w.may(p.name+" is stopped for 5 min", p.running, func() { w.pause(p, 5*time.Minute) })
		for kind := range kinds {
			w.may(p.name+" hears of no "+kindNames[kind], p.running, func() { w.holdBack(p.caches[kind], 90*time.Second) })
		}
	}
	w.mayHappenToTheRequest(name)
	w.mayHappenToTheWorkspace()
}

func (w *world) may(what string, possible func() bool, strike func()) {
	w.happen = append(w.happen, &happening{what: what, possible: possible, strike: strike})
}

// mayMeet lets one replica be stopped before it claims, and the other before it
// writes a status, which goes on when the first one's reset has arrived and before
// the first one hears of it.
func (w *world) mayMeet(first, second *replica) {
	asks := func(p *replica, what string) func() bool {
		return func() bool {
			return slices.ContainsFunc(p.tasks, func(t *task) bool { return t.asks == what })
		}
	}
	w.may("first is stopped before its claim", asks(first, "create record"), func() { w.pause(first, 2*time.Second) })
	w.may("second is stopped until a reset arrives", asks(second, "status of request"), func() {
		w.pause(second, time.Minute)
		w.arrived = func() {
			second.until = w.now
			w.pause(first, time.Second)
		}
	})
}

// pause stops a process as SIGSTOP does: its clocks go on. Afterwards there is time
// to make up for it.
func (w *world) pause(p *replica, wait time.Duration) {
	w.loses("%s was stopped for %v", p.name, wait)
	p.until = w.now.Add(wait)
	w.endAfter(wait + graceTime)
	w.after(wait, p.name+" to go on", func() {})
}

// holdBack lets an informer hear nothing for a while.
func (w *world) holdBack(c *cache, wait time.Duration) {
	c.held = true
	w.after(wait, "news for "+c.replica.name, func() { c.held = false })
}

func (w *world) mayHappenToTheRequest(name string) {
	exists := func() bool { return w.server.request(key(name)) != nil }
	record := func() types.NamespacedName { return types.NamespacedName{Name: reset.RecordName("chat", name)} }
	recreate := func(username string) {
		w.server.remove(kindRequest, key(name))
		w.ask1(name, username)
	}
	w.may("the request is deleted", exists, func() { w.server.remove(kindRequest, key(name)) })
	w.may("the request is being deleted", exists, func() {
		edit(w.server, w.server.request(key(name)), func(r *v1alpha1.UserCredentialReset) {
			r.DeletionTimestamp, r.Finalizers = new(metav1.NewTime(w.now)), []string{"somebody.example/finalizer"}
		})
	})
	w.may("the request is created anew", exists, func() { recreate("alice") })
	w.may("the request is created anew for another user", exists, func() { recreate("bob") })
	w.may("the request's status is wiped", exists, func() {
		// By somebody with the right to, who writes what the rules allow.
		if request := w.server.request(key(name)); request.Status.Outcome == "" && request.Status.RecordRef == nil && request.Status.Target == nil {
			next := request.DeepCopy()
			next.Status = v1alpha1.UserCredentialResetStatus{}
			w.server.store(next, false)
		}
	})
	w.may("another request for the same person is created", nil, func() { w.ask1("third", "alice") })
	w.may("the record is deleted", func() bool { return w.server.objects[kindRecord][record()] != nil }, func() {
		w.gone[record().Name] = true
		w.loses("the record of %s was deleted", name)
		w.server.remove(kindRecord, record())
	})
}

// protect is what an administrator does who wants a person never to be reset.
func (w *world) protect() {
	workspace := &v1alpha1.RocketChatWorkspace{ObjectMeta: metav1.ObjectMeta{Namespace: "chat", Name: "chat"}}
	edit(w.server, workspace, func(r *v1alpha1.RocketChatWorkspace) {
		r.Spec.ProtectedUserIDs = append(slices.Clone(r.Spec.ProtectedUserIDs), peopleIDs()["alice"])
	})
}

func (w *world) mayHappenToTheWorkspace() {
	workspace := &v1alpha1.RocketChatWorkspace{ObjectMeta: metav1.ObjectMeta{Namespace: "chat", Name: "chat"}}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "chat", Name: "chat"}}
	w.may("the Secret is changed", nil, func() {
		edit(w.server, secret, func(s *corev1.Secret) { s.Labels = map[string]string{"changed": "yes"} })
	})
	w.may("the account is repaired and the Secret renewed", nil, func() {
		w.chat.renew()
		edit(w.server, secret, func(s *corev1.Secret) { s.Labels = map[string]string{"renewed": "yes"} })
	})
	w.may("the Secret is deleted for a while", nil, func() {
		stored, _ := w.server.objects[kindSecret][key("chat")].(*corev1.Secret)
		w.server.remove(kindSecret, key("chat"))
		w.after(time.Minute, "the Secret", func() { w.server.add(stored.DeepCopy()) })
	})
	w.may("the workspace is suspended for a while", nil, func() {
		edit(w.server, workspace, func(r *v1alpha1.RocketChatWorkspace) { r.Spec.Suspend = new(true) })
		w.after(time.Minute, "the end of the suspension", func() {
			edit(w.server, workspace, func(r *v1alpha1.RocketChatWorkspace) { r.Spec.Suspend = nil })
		})
	})
	w.may("the user is protected", nil, w.protect)
	w.may("the workspace is deleted for a while", nil, func() {
		stored, _ := w.server.objects[kindWorkspace][key("chat")].(*v1alpha1.RocketChatWorkspace)
		w.server.remove(kindWorkspace, key("chat"))
		w.after(time.Minute, "the workspace", func() {
			next := stored.DeepCopy()
			next.Status = v1alpha1.RocketChatWorkspaceStatus{}
			w.server.add(next)
		})
	})
}

// requireApproval lets the workspace require approval, installs the policies, and
// has somebody approve what is asked for: once they see whom it means, and whenever
// it is asked anew.
func (w *world) requireApproval() {
	for _, name := range []string{policyRequestedBy, policyApprovedBy} {
		w.server.add(&admissionregistrationv1.ValidatingAdmissionPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec:       admissionregistrationv1.ValidatingAdmissionPolicySpec{Validations: []admissionregistrationv1.Validation{{Expression: "true"}}},
		})
		w.server.add(&admissionregistrationv1.ValidatingAdmissionPolicyBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
				PolicyName: name, ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
			},
		})
	}
	workspace := &v1alpha1.RocketChatWorkspace{ObjectMeta: metav1.ObjectMeta{Namespace: "chat", Name: "chat"}}
	edit(w.server, workspace, func(r *v1alpha1.RocketChatWorkspace) {
		r.Spec.ApprovalRequiredTypes = []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP}
	})
	w.decided = map[types.UID]map[v1alpha1.Decision]time.Time{}
	w.approver = func(request *v1alpha1.UserCredentialReset) {
		if w.decided[request.UID] == nil && reasonOf(request) == v1alpha1.ReasonAwaitingApproval {
			w.decided[request.UID] = map[v1alpha1.Decision]time.Time{}
			w.after(time.Second, "an approval", func() { w.decide(request, v1alpha1.DecisionApproved) })
		}
	}
}

// decide creates a decision about the request.
func (w *world) decide(request *v1alpha1.UserCredentialReset, decision v1alpha1.Decision) {
	w.serial++
	w.server.add(&v1alpha1.ResetApproval{
		ObjectMeta: metav1.ObjectMeta{Namespace: request.Namespace, Name: fmt.Sprintf("%s-%d", request.Name, w.serial)},
		Spec: v1alpha1.ResetApprovalSpec{
			RequestName: request.Name, RequestUID: string(request.UID), UserID: peopleIDs()[request.Spec.User.Username],
			Decision: decision, ApprovedBy: "rita",
		},
	})
	if w.decided[request.UID] == nil {
		w.decided[request.UID] = map[v1alpha1.Decision]time.Time{}
	}
	w.decided[request.UID][decision] = w.now
}

func (w *world) mayHappenToTheApproval(name string) {
	w.may("the request is denied", func() bool { return w.server.request(key(name)) != nil }, func() {
		w.decide(w.server.request(key(name)), v1alpha1.DecisionDenied)
	})
	w.may("a policy is removed for a while", nil, func() {
		policy := w.server.objects[kindPolicy][types.NamespacedName{Name: policyApprovedBy}]
		w.server.remove(kindPolicy, client.ObjectKeyFromObject(policy))
		w.after(time.Minute, "the policy", func() { w.server.store(copyOf(policy), true) })
	})
}

// limit gives the workspace a budget, which one process must never exceed.
func (w *world) limit(attempts int, period time.Duration) {
	w.budget, w.period = attempts, period
	workspace := &v1alpha1.RocketChatWorkspace{ObjectMeta: metav1.ObjectMeta{Namespace: "chat", Name: "chat"}}
	edit(w.server, workspace, func(r *v1alpha1.RocketChatWorkspace) {
		r.Spec.Budget = &v1alpha1.ResetBudget{MaxResets: int32(attempts), PeriodSeconds: int32(period / time.Second)}
	})
}
