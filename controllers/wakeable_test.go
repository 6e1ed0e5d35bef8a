package controllers

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// TestWhoIsWokenGoesBeforeThoseThatMerelyWait proves it with the queue that
// controllers have, and that a key that is no name wakes nobody.
func TestWhoIsWokenGoesBeforeThoseThatMerelyWait(t *testing.T) {
	t.Parallel()
	queue := priorityqueue.New[reconcile.Request]("test")
	defer queue.ShutDown()
	var requests wakeable
	requests.wakeByKey("chat/nobody-listens-yet")
	if err := requests.source().Start(t.Context(), queue); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		requests.wake(types.NamespacedName{Namespace: "chat", Name: fmt.Sprint(i)})
	}
	requests.wakeByKey("chat/woken")
	requests.wakeByKey("woken")
	if queue.Len() != 101 { // which also lets the queue take in what was added
		t.Fatalf("%d are to be looked at", queue.Len())
	}
	if next, _ := queue.Get(); next.Name != "woken" {
		t.Errorf("next is %s", next.Name)
	}
	if queue.Len() != 100 {
		t.Errorf("%d are left", queue.Len())
	}
}
