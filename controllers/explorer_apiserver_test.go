package controllers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// The kinds that have informers, and those that have none.
const (
	kindRequest = iota
	kindRecord
	kindWorkspace
	kindApproval
	kinds
	kindSecret = iota - 1
	kindPolicy
	kindBinding
	allKinds
)

var kindNames = []string{"request", "record", "workspace", "approval", "secret", "policy", "binding"}

func kindOf(object any) int {
	switch object.(type) {
	case *v1alpha1.UserCredentialReset, *v1alpha1.UserCredentialResetList:
		return kindRequest
	case *v1alpha1.ResetRecord, *v1alpha1.ResetRecordList:
		return kindRecord
	case *v1alpha1.RocketChatWorkspace:
		return kindWorkspace
	case *v1alpha1.ResetApproval, *v1alpha1.ResetApprovalList:
		return kindApproval
	case *corev1.Secret:
		return kindSecret
	case *admissionregistrationv1.ValidatingAdmissionPolicy:
		return kindPolicy
	case *admissionregistrationv1.ValidatingAdmissionPolicyBinding:
		return kindBinding
	}
	panic(fmt.Sprintf("no such kind: %T", object))
}

// apiServer is the API server in memory: what apiserver-level rules the promise
// rests on, and nothing else. It refuses what the CRDs' rules refuse; the suite on
// a real one proves that these are the rules.
type apiServer struct {
	world   *world
	version int
	objects [allKinds]map[types.NamespacedName]client.Object
	changes [kinds][]change
}

// change is what a watch tells.
type change struct {
	key         types.NamespacedName
	object      client.Object // nil: deleted
	specChanged bool
}

func newAPIServer(w *world) *apiServer {
	s := &apiServer{world: w}
	for kind := range s.objects {
		s.objects[kind] = map[types.NamespacedName]client.Object{}
	}
	return s
}

func sortedKeys(objects map[types.NamespacedName]client.Object) []types.NamespacedName {
	return slices.SortedFunc(maps.Keys(objects), func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) })
}

func copyOf(object client.Object) client.Object {
	duplicate, _ := object.DeepCopyObject().(client.Object)
	return duplicate
}

// store puts an object in place and tells the watches.
func (s *apiServer) store(object client.Object, specChanged bool) {
	s.version++
	object.SetResourceVersion(strconv.Itoa(s.version))
	stored := copyOf(object)
	kind, key := kindOf(object), client.ObjectKeyFromObject(object)
	s.world.watch(s.objects[kind][key], stored)
	s.objects[kind][key] = stored
	if kind < kinds {
		s.changes[kind] = append(s.changes[kind], change{key: key, object: stored, specChanged: specChanged})
	}
}

// add creates an object as somebody else than the operator does.
func (s *apiServer) add(object client.Object) {
	s.version++
	object.SetUID(types.UID("uid-" + strconv.Itoa(s.version)))
	object.SetGeneration(1)
	object.SetCreationTimestamp(metav1.NewTime(s.world.now.Truncate(time.Second)))
	s.store(object, true)
}

// edit changes an object as somebody else than the operator does.
func edit[T client.Object](s *apiServer, object T, change func(T)) {
	kind, key := kindOf(object), client.ObjectKeyFromObject(object)
	stored, ok := s.objects[kind][key].(T)
	if !ok {
		return
	}
	next, _ := stored.DeepCopyObject().(T)
	change(next)
	next.SetGeneration(next.GetGeneration() + 1)
	s.store(next, true)
}

func (s *apiServer) remove(kind int, key types.NamespacedName) {
	if s.objects[kind][key] == nil {
		return
	}
	delete(s.objects[kind], key)
	if kind < kinds {
		s.changes[kind] = append(s.changes[kind], change{key: key})
	}
}

func (s *apiServer) request(key types.NamespacedName) *v1alpha1.UserCredentialReset {
	request, _ := s.objects[kindRequest][key].(*v1alpha1.UserCredentialReset)
	return request
}

func (s *apiServer) records() []*v1alpha1.ResetRecord {
	var records []*v1alpha1.ResetRecord
	for _, key := range sortedKeys(s.objects[kindRecord]) {
		record, _ := s.objects[kindRecord][key].(*v1alpha1.ResetRecord)
		records = append(records, record)
	}
	return records
}

// isSettled says whether no request waits and no attempt is open.
func (s *apiServer) isSettled() bool {
	for _, object := range s.objects[kindRequest] {
		if request, _ := object.(*v1alpha1.UserCredentialReset); request.Status.Outcome == "" {
			return false
		}
	}
	for _, record := range s.records() {
		if slices.ContainsFunc(record.Attempts, func(a v1alpha1.Attempt) bool { return a.Result == "" }) {
			return false
		}
	}
	return true
}

func notFound(key types.NamespacedName) error {
	return apierrors.NewNotFound(schema.GroupResource{Group: v1alpha1.Group, Resource: "objects"}, key.Name)
}

func conflict(object client.Object) error {
	return apierrors.NewConflict(schema.GroupResource{Group: v1alpha1.Group, Resource: "objects"}, object.GetName(), errors.New("the object has been modified"))
}

func (s *apiServer) get(key types.NamespacedName, into client.Object) error {
	stored := s.objects[kindOf(into)][key]
	if stored == nil {
		return notFound(key)
	}
	assign(stored, into)
	return nil
}

// assign copies one object into another of its type.
func assign(from, into client.Object) {
	switch target := into.(type) {
	case *v1alpha1.UserCredentialReset:
		source, _ := from.(*v1alpha1.UserCredentialReset)
		source.DeepCopyInto(target)
	case *v1alpha1.ResetRecord:
		source, _ := from.(*v1alpha1.ResetRecord)
		source.DeepCopyInto(target)
	case *v1alpha1.RocketChatWorkspace:
		source, _ := from.(*v1alpha1.RocketChatWorkspace)
		source.DeepCopyInto(target)
	case *corev1.Secret:
		source, _ := from.(*corev1.Secret)
		source.DeepCopyInto(target)
	case *admissionregistrationv1.ValidatingAdmissionPolicy:
		source, _ := from.(*admissionregistrationv1.ValidatingAdmissionPolicy)
		source.DeepCopyInto(target)
	case *admissionregistrationv1.ValidatingAdmissionPolicyBinding:
		source, _ := from.(*admissionregistrationv1.ValidatingAdmissionPolicyBinding)
		source.DeepCopyInto(target)
	}
}

func (s *apiServer) create(object client.Object) error {
	if s.objects[kindOf(object)][client.ObjectKeyFromObject(object)] != nil {
		return apierrors.NewAlreadyExists(schema.GroupResource{Group: v1alpha1.Group, Resource: "objects"}, object.GetName())
	}
	s.version++
	object.SetUID(types.UID("uid-" + strconv.Itoa(s.version)))
	object.SetGeneration(1)
	object.SetCreationTimestamp(metav1.NewTime(s.world.now.Truncate(time.Second)))
	s.store(object, true)
	return nil
}

// update is a PUT of a record, or of the status of something else.
func (s *apiServer) update(object client.Object) error {
	key := client.ObjectKeyFromObject(object)
	stored := s.objects[kindOf(object)][key]
	switch {
	case stored == nil:
		return notFound(key)
	case stored.GetResourceVersion() != object.GetResourceVersion(), stored.GetUID() != object.GetUID():
		return conflict(object)
	}
	next := copyOf(stored)
	switch from := object.(type) {
	case *v1alpha1.UserCredentialReset:
		target, _ := next.(*v1alpha1.UserCredentialReset)
		from.Status.DeepCopyInto(&target.Status)
	case *v1alpha1.RocketChatWorkspace:
		target, _ := next.(*v1alpha1.RocketChatWorkspace)
		from.Status.DeepCopyInto(&target.Status)
	default:
		next = copyOf(object)
	}
	if err := refusal(stored, next); err != nil {
		return err
	}
	s.store(next, false)
	assign(next, object)
	return nil
}

// patch is a JSON Patch of a record. A failed test is answered as by the real
// server: Invalid, without causes.
func (s *apiServer) patch(object client.Object, operations []byte) error {
	key := client.ObjectKeyFromObject(object)
	stored := s.objects[kindOf(object)][key]
	if stored == nil {
		return notFound(key)
	}
	failed := apierrors.NewGenericServerResponse(422, "patch", schema.GroupResource{Group: v1alpha1.Group, Resource: "resetrecords"}, key.Name, "", 0, false)
	patch, err := jsonpatch.DecodePatch(operations)
	if err != nil {
		return err
	}
	before, err := json.Marshal(stored)
	if err != nil {
		return err
	}
	after, err := patch.Apply(before)
	if err != nil {
		return failed
	}
	next := &v1alpha1.ResetRecord{}
	if err := json.Unmarshal(after, next); err != nil {
		return err
	}
	if err := refusal(stored, next); err != nil {
		return err
	}
	s.store(next, false)
	assign(next, object)
	return nil
}

func (s *apiServer) delete(object client.Object, options ...client.DeleteOption) error {
	key := client.ObjectKeyFromObject(object)
	stored := s.objects[kindOf(object)][key]
	if stored == nil {
		return notFound(key)
	}
	var wanted client.DeleteOptions
	wanted.ApplyOptions(options)
	if p := wanted.Preconditions; p != nil && (*p.UID != stored.GetUID() || *p.ResourceVersion != stored.GetResourceVersion()) {
		return conflict(object)
	}
	s.remove(kindOf(object), key)
	return nil
}

// The faults of calls to the API server; 0 is none.
const (
	callSlow       = iota + 1 // it takes almost all of its time
	callReset                 // the connection breaks at once, without an effect
	callTimesOut              // there is no answer, and no effect
	callPanics                // the process panics, without an effect
	readFaults                // those of a read end here
	callResetAfter = iota     // the connection breaks after the effect
	callTimesOutAfter
	callArrivesLate // there is no answer; the effect comes later
	callArrivesVeryLate
	callForbidden
	writeFaults
)

// The times of calls that have difficulties.
const (
	slowCall = 2900 * time.Millisecond
	deadCall = 3 * time.Second
	lateCall = 8 * time.Second
	veryLate = 90 * time.Second
)

var errReset = errors.New("connection reset by peer")

// call makes a call of a replica to the API server: what becomes of it is asked of
// the chooser.
func (s *apiServer) call(ctx context.Context, what string, faults int, do func() error) error {
	w := s.world
	t := w.ask(what)
	if ctx.Err() != nil || t.expired[ctx] {
		return context.DeadlineExceeded
	}
	fault := w.fault(faults)
	if fault != 0 {
		w.tell("  %s: %s", what, faultNames[fault])
	}
	switch fault {
	case callSlow:
		w.now = w.now.Add(slowCall)
	case callReset:
		return errReset
	case callTimesOut:
		return s.timeOut(t, ctx)
	case callPanics:
		w.loses("a panic at %q", what)
		panic("injected at " + what)
	case callResetAfter:
		_ = do() // nobody hears the answer
		return errReset
	case callTimesOutAfter:
		_ = do() // nobody hears the answer
		return s.timeOut(t, ctx)
	case callArrivesLate, callArrivesVeryLate:
		wait := lateCall
		if fault == callArrivesVeryLate {
			wait = veryLate
		}
		w.after(wait, "a late "+what, func() { w.tell("a late %s arrives: %v", what, do()) })
		return s.timeOut(t, ctx)
	case callForbidden:
		return apierrors.NewForbidden(schema.GroupResource{Resource: "objects"}, "", errors.New("rbac"))
	}
	return do()
}

var faultNames = map[int]string{
	callSlow: "is slow", callReset: "is reset", callTimesOut: "times out", callPanics: "panics", callResetAfter: "is reset after its effect",
	callTimesOutAfter: "times out after its effect", callArrivesLate: "times out and arrives late", callArrivesVeryLate: "times out and arrives very late",
	callForbidden: "is forbidden",
}

// timeOut uses the context's time up, for this call and those that follow.
func (s *apiServer) timeOut(t *task, ctx context.Context) error { //nolint:revive // the context is what expires
	s.world.now = s.world.now.Add(deadCall)
	t.expired[ctx] = true
	return context.DeadlineExceeded
}

// liveReader reads from the API server.
type liveReader struct{ replica *replica }

// Get implements client.Reader.
func (r *liveReader) Get(ctx context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	s := r.replica.world.server
	return s.call(ctx, "get "+kindNames[kindOf(object)], readFaults, func() error { return s.get(key, object) })
}

// List implements client.Reader.
func (r *liveReader) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	s := r.replica.world.server
	kind := kindOf(list)
	return s.call(ctx, "list "+kindNames[kind]+"s", readFaults, func() error {
		listInto(list, s.objects[kind], options)
		return nil
	})
}

// listInto lists the objects that have the value of the field that is asked for.
func listInto(list client.ObjectList, objects map[types.NamespacedName]client.Object, options []client.ListOption) {
	for _, key := range sortedKeys(objects) {
		if !matchesField(objects[key], options) {
			continue
		}
		switch found := objects[key].(type) {
		case *v1alpha1.UserCredentialReset:
			requests, _ := list.(*v1alpha1.UserCredentialResetList)
			requests.Items = append(requests.Items, *found.DeepCopy())
		case *v1alpha1.ResetRecord:
			records, _ := list.(*v1alpha1.ResetRecordList)
			records.Items = append(records.Items, *found.DeepCopy())
		case *v1alpha1.ResetApproval:
			approvals, _ := list.(*v1alpha1.ResetApprovalList)
			approvals.Items = append(approvals.Items, *found.DeepCopy())
		}
	}
}

// matchesField says whether the object has the value of the one field that is
// asked for.
func matchesField(object client.Object, options []client.ListOption) bool {
	indexes := map[string]client.IndexerFunc{
		openByWorkspace: indexOpenByWorkspace, openByTarget: indexOpenByTarget, approvalByRequest: indexApprovalByRequest,
		recordByTarget: indexRecordByTarget, recordByStanding: indexRecordByStanding, recordByUsed: indexRecordByUsed,
	}
	var wanted client.ListOptions
	wanted.ApplyOptions(options)
	requirement := wanted.FieldSelector.Requirements()[0]
	return slices.Contains(indexes[requirement.Field](object), requirement.Value)
}

// cache is an informer's store, and what it has not heard yet.
type cache struct {
	replica *replica
	kind    int
	life    int
	heard   int
	held    bool
	objects map[types.NamespacedName]client.Object
}

// newCache is a cache after its first list.
func newCache(p *replica, kind int) *cache {
	server := p.world.server
	return &cache{replica: p, kind: kind, life: p.life, heard: len(server.changes[kind]), objects: maps.Clone(server.objects[kind])}
}

func (c *cache) pending() bool { return c.heard < len(c.replica.world.server.changes[c.kind]) }

// deliver applies the next change.
func (c *cache) deliver() {
	next := c.replica.world.server.changes[c.kind][c.heard]
	c.heard++
	before := c.objects[next.key]
	if next.object == nil {
		delete(c.objects, next.key)
		if before != nil {
			c.replica.hear(c.kind, before, true)
		}
		return
	}
	c.objects[next.key] = next.object
	if c.kind == kindRecord {
		c.replica.operator.ledger.hear(asRecord(before), asRecord(next.object))
	}
	if before != nil && before.GetUID() != next.object.GetUID() {
		c.replica.hear(c.kind, before, true)
	}
	c.replica.hear(c.kind, next.object, next.specChanged)
}

// cachedClient reads from the caches and writes to the API server.
type cachedClient struct {
	client.Client

	replica *replica
}

// Get implements client.Reader.
func (c *cachedClient) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	stored := c.replica.caches[kindOf(object)].objects[key]
	if stored == nil {
		return notFound(key)
	}
	assign(stored, object)
	return nil
}

// List implements client.Reader.
func (c *cachedClient) List(_ context.Context, list client.ObjectList, options ...client.ListOption) error {
	listInto(list, c.replica.caches[kindOf(list)].objects, options)
	return nil
}

// write makes a call that changes something. What is sent is what it was when it
// was sent, however late it arrives.
func (c *cachedClient) write(ctx context.Context, verb string, object client.Object, do func(client.Object) error) error {
	s, sent := c.replica.world.server, copyOf(object)
	what := verb + " " + kindNames[kindOf(object)]
	err := s.call(ctx, what, writeFaults, func() error { return do(sent) })
	if err == nil && verb != "delete" {
		assign(sent, object)
	}
	return err
}

// Create implements client.Writer.
func (c *cachedClient) Create(ctx context.Context, object client.Object, _ ...client.CreateOption) error {
	return c.write(ctx, "create", object, c.replica.world.server.create)
}

// Update implements client.Writer.
func (c *cachedClient) Update(ctx context.Context, object client.Object, _ ...client.UpdateOption) error {
	return c.write(ctx, "update", object, c.replica.world.server.update)
}

// Patch implements client.Writer.
func (c *cachedClient) Patch(ctx context.Context, object client.Object, patch client.Patch, _ ...client.PatchOption) error {
	operations, err := patch.Data(object)
	if err != nil {
		return err
	}
	return c.write(ctx, "patch", object, func(sent client.Object) error { return c.replica.world.server.patch(sent, operations) })
}

// Delete implements client.Writer.
func (c *cachedClient) Delete(ctx context.Context, object client.Object, options ...client.DeleteOption) error {
	return c.write(ctx, "delete", object, func(sent client.Object) error { return c.replica.world.server.delete(sent, options...) })
}

// Status implements client.StatusClient.
func (c *cachedClient) Status() client.SubResourceWriter { return &statusWriter{replica: c.replica} }

// statusWriter updates a status.
type statusWriter struct {
	client.SubResourceWriter

	replica *replica
}

// Update implements client.SubResourceWriter.
func (s *statusWriter) Update(ctx context.Context, object client.Object, _ ...client.SubResourceUpdateOption) error {
	return (&cachedClient{replica: s.replica}).write(ctx, "status of", object, s.replica.world.server.update)
}
