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
	// blocked are the reasons of attempts after which none may follow with the same
	// Secret. The records say so too, but the cache learns of them later.
	blocked map[blockedSecret]string
}

type blockedSecret struct {
	workspace types.NamespacedName
	version   string
}

func newBoard() *board {
	return &board{
		health:   map[types.NamespacedName]reset.Health{},
		probed:   map[types.NamespacedName]time.Time{},
		verified: map[types.NamespacedName]string{},
		blocked:  map[blockedSecret]string{},
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
	for secret := range b.blocked {
		if secret.workspace == workspace {
			delete(b.blocked, secret)
		}
	}
}

func (b *board) block(workspace types.NamespacedName, secretVersion, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.blocked[blockedSecret{workspace, secretVersion}] = reason
}

func (b *board) blockedBy(workspace types.NamespacedName, secretVersion string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.blocked[blockedSecret{workspace, secretVersion}]
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
