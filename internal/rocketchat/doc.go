// Package rocketchat calls the few routes of Rocket.Chat's REST API that the
// operator needs, one method a route, and reports what happened in types.
//
// It never retries, follows no redirect, and decides nothing about what an
// answer means for a request: that is the business of package reset. It knows
// no Kubernetes.
package rocketchat
