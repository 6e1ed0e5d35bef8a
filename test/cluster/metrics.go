package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

// Metrics reads the operator's metrics page with a token, or without any if that is
// empty, and returns the status and the page. An operator that has just become ready
// may still be making the certificate of that page.
func (o *Operator) Metrics(ctx context.Context, token string) (int, string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+o.MetricsAddress+"/metrics", http.NoBody)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // its certificate is of its own making
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var response *http.Response
	err = wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(context.Context) (listens bool, err error) {
		response, err = transport.RoundTrip(request) //nolint:bodyclose // it is closed below, once it is read
		if errors.Is(err, syscall.ECONNREFUSED) && o.IsRunning() {
			return false, nil
		}
		return true, err
	})
	if err != nil {
		return 0, "", err
	}
	page, err := io.ReadAll(response.Body)
	return response.StatusCode, string(page), errors.Join(err, response.Body.Close())
}

// Scraper is a token of a ServiceAccount that config lets read the metrics.
func (c *Cluster) Scraper(ctx context.Context) (string, error) {
	const name = "scraper"
	clients, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return "", err
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_, err = clients.CoreV1().ServiceAccounts(SystemNamespace).Create(ctx, account, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return "", fmt.Errorf("create the scraper's ServiceAccount: %w", err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "credential-reset-operator-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: SystemNamespace, Name: name}},
	}
	_, err = clients.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return "", fmt.Errorf("let the scraper read metrics: %w", err)
	}
	return c.Token(ctx, SystemNamespace, name)
}
