package command

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// The bounds of what is asked of the API server for the sake of the metrics page.
const (
	guardTimeout  = 5 * time.Second
	admittedFor   = time.Minute      // how long who may is not asked about again
	refusedFor    = 10 * time.Second // how long who may not is not: somebody may be about to grant it
	guardCapacity = 64               // answers that are remembered
)

// metricsGuard lets those see the metrics page who may get its URL. It asks the API
// server, as controller-runtime's filter does with the libraries of kube-apiserver,
// which would make two fifths of the binary and of its memory at rest.
type metricsGuard struct {
	client client.Client
	known  *cache.LRUExpireCache // statuses by visit
}

// visit is what an answer is about. Tokens are not kept.
type visit struct {
	method, path string
	token        [sha256.Size]byte
}

// guardMetrics implements metricsserver.Options.FilterProvider.
func guardMetrics(config *rest.Config, httpClient *http.Client) (metricsserver.Filter, error) {
	scheme := runtime.NewScheme()
	if err := authenticationv1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	if err := authorizationv1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	reviewer, err := client.New(config, client.Options{HTTPClient: httpClient, Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("make the client that asks who may see metrics: %w", err)
	}
	return newMetricsGuard(reviewer, clock.RealClock{}).filter, nil
}

func newMetricsGuard(reviewer client.Client, now cache.Clock) *metricsGuard {
	return &metricsGuard{client: reviewer, known: cache.NewLRUExpireCacheWithClock(guardCapacity, now)}
}

func (g *metricsGuard) filter(log logr.Logger, page http.Handler) (http.Handler, error) {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		status, err := g.judge(r)
		if err != nil {
			log.Error(err, "The API server could not be asked who may see metrics")
		}
		if status != http.StatusOK {
			http.Error(rw, http.StatusText(status), status)
			return
		}
		page.ServeHTTP(rw, r)
	}), nil
}

// judge is the status for a request: 200 if it may be served.
func (g *metricsGuard) judge(r *http.Request) (int, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return http.StatusUnauthorized, nil
	}
	asked := visit{r.Method, r.URL.Path, sha256.Sum256([]byte(token))}
	if known, _ := g.known.Get(asked); known != nil {
		status, _ := known.(int)
		return status, nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), guardTimeout)
	defer cancel()
	status, err := g.ask(ctx, token, strings.ToLower(r.Method), r.URL.Path)
	if err != nil {
		return http.StatusServiceUnavailable, err
	}
	memory := refusedFor
	if status == http.StatusOK {
		memory = admittedFor
	}
	g.known.Add(asked, status, memory)
	return status, nil
}

func (g *metricsGuard) ask(ctx context.Context, token, verb, path string) (int, error) {
	who := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}
	if err := g.client.Create(ctx, who); err != nil {
		return 0, fmt.Errorf("review a token: %w", err)
	}
	if !who.Status.Authenticated {
		return http.StatusUnauthorized, nil
	}
	user := who.Status.User
	may := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user.Username, UID: user.UID, Groups: user.Groups, Extra: map[string]authorizationv1.ExtraValue{},
		NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: path, Verb: verb},
	}}
	for name, values := range user.Extra {
		may.Spec.Extra[name] = authorizationv1.ExtraValue(values)
	}
	if err := g.client.Create(ctx, may); err != nil {
		return 0, fmt.Errorf("review the access of %q: %w", user.Username, err)
	}
	if !may.Status.Allowed {
		return http.StatusForbidden, nil
	}
	return http.StatusOK, nil
}
