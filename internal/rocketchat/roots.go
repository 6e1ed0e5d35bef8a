package rocketchat

import (
	"crypto/x509"
	"fmt"
	"sync"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// rootsForBareSystems has crypto/tls trust the certificates that browsers do, where the
// system has none of its own, as in an image of one file. They take more than a
// megabyte of memory: not before a server is called that is judged by them.
var rootsForBareSystems = sync.OnceFunc(func() { //nolint:gochecknoglobals // the roots of a process are one, and set once
	x509.SetFallbackRoots(bundled())
})

func bundled() *x509.CertPool {
	roots := x509.NewCertPool()
	for root := range bundle.Roots() {
		certificate, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			panic(fmt.Errorf("a root certificate of the bundle: %w", err)) // it is the same for everybody
		}
		if root.Constraint == nil {
			roots.AddCert(certificate)
			continue
		}
		roots.AddCertWithConstraint(certificate, root.Constraint)
	}
	return roots
}
