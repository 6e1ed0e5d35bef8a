package command

import (
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/randfill"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// dropped are the only things that the cache does not keep.
func dropped(object client.Object) {
	object.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: "somebody"}})
	annotations := map[string]string{"credentialreset.dev/kept": "yes"}
	if _, is := object.(*v1alpha1.UserCredentialReset); is {
		annotations["kubectl.kubernetes.io/last-applied-configuration"] = "{}"
	}
	object.SetAnnotations(annotations)
}

// TestSlimKeepsWhatIsRead fills objects with anything and compares them.
func TestSlimKeepsWhatIsRead(t *testing.T) {
	t.Parallel()
	fill := randfill.NewWithSeed(7).NilChance(0.2).NumElements(1, 4)
	for range 200 {
		for _, object := range []client.Object{
			&v1alpha1.UserCredentialReset{}, &v1alpha1.ResetRecord{}, &v1alpha1.RocketChatWorkspace{}, &v1alpha1.ResetApproval{},
		} {
			fill.Fill(object)
			want, _ := object.DeepCopyObject().(client.Object)
			want.SetManagedFields(nil)
			want.SetAnnotations(map[string]string{"credentialreset.dev/kept": "yes"})
			dropped(object)
			got, err := slim(object)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Fatalf("%v: %T (-want +got):\n%s", err, object, diff)
			}
		}
	}
}

// TestSlimSharesTexts compares where the texts of two objects lie.
func TestSlimSharesTexts(t *testing.T) {
	t.Parallel()
	object := func() *v1alpha1.UserCredentialReset {
		text := string(append([]byte("Rocket.Chat confirmed"), " the reset"...)) // not a constant, which is shared anyway
		return &v1alpha1.UserCredentialReset{Status: v1alpha1.UserCredentialResetStatus{Conditions: []metav1.Condition{{Message: text}}}}
	}
	first, second := object(), object()
	for _, each := range []*v1alpha1.UserCredentialReset{first, second} {
		if _, err := slim(each); err != nil {
			t.Fatal(err)
		}
	}
	a, b := first.Status.Conditions[0].Message, second.Status.Conditions[0].Message
	if a != b || unsafe.StringData(a) != unsafe.StringData(b) {
		t.Errorf("%q is kept twice", a)
	}
}

// TestSlimLetsTombstonesPass covers what an informer tells of an object whose deletion
// it has missed.
func TestSlimLetsTombstonesPass(t *testing.T) {
	t.Parallel()
	missed := cache.DeletedFinalStateUnknown{Key: "chat/lost-phone"}
	if got, err := slim(missed); err != nil || got != any(missed) {
		t.Errorf("%v, %v", got, err)
	}
}
