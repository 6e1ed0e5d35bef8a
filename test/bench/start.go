package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// atRest gives an operator time to come to rest and returns what it has used by then.
func (s *stage) atRest(ctx context.Context, operator *cluster.Operator) (usage, error) {
	select {
	case <-time.After(s.size.quiet):
		return usageOf(operator)
	case <-ctx.Done():
		return usage{}, ctx.Err()
	}
}

// startEmpty is an operator with nothing to do.
func (b *bench) startEmpty(ctx context.Context, name string) error {
	return b.on(ctx, func(ctx context.Context, s *stage) error {
		operator, ready, err := s.launch(ctx)
		if err != nil {
			return err
		}
		used, err := s.atRest(ctx, operator)
		if err != nil {
			return err
		}
		b.add(
			figure{Case: name, Name: "start → ready", Unit: "s", Value: ready.Seconds()},
			lowerThan(35, figure{Case: name, Name: "resident memory", Unit: "MiB", Value: used.memory}),
		)
		return nil
	})
}

func (s *stage) launch(ctx context.Context) (*cluster.Operator, time.Duration, error) {
	began := time.Now()
	operator, err := s.operate(ctx)
	return operator, time.Since(began), err
}

// startFull is an operator that comes into a cluster with a long history, and with
// much that is none of its business.
func (b *bench) startFull(ctx context.Context, name string) error {
	return b.on(ctx, func(ctx context.Context, s *stage) error {
		if err := s.fill(ctx, b.size.finished); err != nil {
			return err
		}
		operator, ready, err := s.launch(ctx)
		if err != nil {
			return err
		}
		used, err := s.atRest(ctx, operator)
		if err != nil {
			return err
		}
		counts, err := s.served()
		if err != nil {
			return err
		}
		secrets, writes := 0, 0
		for what, count := range counts {
			verb, resource, _ := strings.Cut(what, " ")
			if resource == "secrets" {
				secrets += count
			}
			if verb != "get" && verb != "list" && verb != "watch" {
				writes += count
			}
		}
		b.add(
			lowerThan(5, figure{Case: name, Name: "start → ready", Unit: "s", Value: ready.Seconds()}),
			lowerThan(80, figure{Case: name, Name: "resident memory", Unit: "MiB", Value: used.memory}),
			lowerThan(0, figure{Case: name, Name: "Secret reads", Value: float64(secrets)}),
			lowerThan(0, figure{Case: name, Name: "API writes", Value: float64(writes)}),
		)
		return nil
	})
}

// fill puts finished requests, their records, and Secrets of somebody else there.
func (s *stage) fill(ctx context.Context, count int) error {
	for _, namespace := range []string{"operated", "foreign"} {
		if err := s.kube.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
			return err
		}
	}
	c := &chat{namespace: "operated"}
	noise := make([]byte, 10<<10)
	_, _ = rand.Read(noise) // never fails
	return inParallel(count, func(i int) error {
		if err := s.kube.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: "foreign", Name: fmt.Sprintf("secret-%05d", i)},
			Data:       map[string][]byte{"data": noise},
		}); err != nil {
			return err
		}
		return s.finished(ctx, c.requestOf(i), i)
	})
}

// finished creates a request and its record as they are after a reset.
func (s *stage) finished(ctx context.Context, request *v1alpha1.UserCredentialReset, i int) error {
	if err := s.kube.Create(ctx, request); err != nil {
		return err
	}
	now := metav1.Now().Rfc3339Copy()
	record := reset.NewRecord(request,
		v1alpha1.Target{Host: "https://chat.example.org", UserID: personID(i), Username: personName(i)},
		v1alpha1.Attempt{
			ID: fmt.Sprintf("history-%010d", i), StartTime: now, SecretResourceVersion: "1",
			Result: v1alpha1.AttemptSucceeded, Reason: v1alpha1.ReasonResetAccepted, EndTime: &now,
		})
	if err := s.kube.Create(ctx, record); err != nil {
		return err
	}
	request.Status = reset.StatusOf(request, reset.VerdictOf(v1alpha1.ReasonResetAccepted), reset.Facts{Record: record}, now.Time)
	return s.kube.Status().Update(ctx, request)
}
