package controllers

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// board holds what is known of the workspaces' health. The workspaces' reconciler
// writes it, requests read it. It starts empty: what must survive a restart is
// in the records, and the first probe finds the rest.
type board struct {
	mu     sync.Mutex
	health map[types.NamespacedName]reset.Health
	probed map[types.NamespacedName]time.Time // when the server was last called for it
	// verified are the versions of Secrets with which a reset succeeded after which
	// the operator's own account was still in order.
	verified map[types.NamespacedName]string
	// standings are what attempts came to that matters to later ones with the same
	// Secret. The records say so too, but the cache learns of them later.
	standings map[usedSecret]reset.Standing
}

type usedSecret struct {
	workspace types.NamespacedName
	version   string
}

func newBoard() *board {
	return &board{
		health:    map[types.NamespacedName]reset.Health{},
		probed:    map[types.NamespacedName]time.Time{},
		verified:  map[types.NamespacedName]string{},
		standings: map[usedSecret]reset.Standing{},
	}
}

func (b *board) get(workspace types.NamespacedName) reset.Health {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.health[workspace]
}

func (b *board) publish(workspace types.NamespacedName, health reset.Health) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.health[workspace] = health
}

func (b *board) probedAt(workspace types.NamespacedName) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.probed[workspace]
}

func (b *board) noteProbe(workspace types.NamespacedName, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probed[workspace] = at
}

func (b *board) forget(workspace types.NamespacedName) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.health, workspace)
	delete(b.probed, workspace)
	delete(b.verified, workspace)
	for secret := range b.standings {
		if secret.workspace == workspace {
			delete(b.standings, secret)
		}
	}
}

func (b *board) noteStanding(workspace types.NamespacedName, secretVersion string, standing reset.Standing) {
	b.mu.Lock()
	defer b.mu.Unlock()
	secret := usedSecret{workspace, secretVersion}
	b.standings[secret] = b.standings[secret].And(standing)
}

func (b *board) standing(workspace types.NamespacedName, secretVersion string) reset.Standing {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.standings[usedSecret{workspace, secretVersion}]
}

func (b *board) isVerified(workspace types.NamespacedName, secretVersion string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.verified[workspace] == secretVersion
}

func (b *board) verify(workspace types.NamespacedName, secretVersion string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.verified[workspace] = secretVersion
}
