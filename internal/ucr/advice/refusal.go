package advice

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// serviceAccountPrefix is before the namespace in the name of a ServiceAccount.
const serviceAccountPrefix = "system:serviceaccount:"

// Deed is what was tried at the API server.
type Deed struct {
	Verb      string // of RBAC
	Resource  string
	Namespace string // empty for what has none
	Name      string // empty for many
	Who       string // who tried, as the API server knows them; empty if that is not known
	Server    string // where the API server is
}

// Explain tells in one sentence what went wrong and who can do what about it.
func Explain(deed Deed, err error) string {
	status, answered := errors.AsType[*apierrors.StatusError](err)
	if !answered {
		return explainTransport(deed, err)
	}
	details := status.Status().Details
	switch {
	case apierrors.IsForbidden(err):
		return explainForbidden(deed, details)
	case apierrors.IsNotFound(err):
		return explainNotFound(deed, details)
	case apierrors.IsUnauthorized(err):
		return "the API server does not know you: log in again, or choose another --context"
	case apierrors.IsAlreadyExists(err):
		return fmt.Sprintf("there is a %s %s in the namespace %s already: choose another --name", singular(deed.Resource), deed.Name, deed.Namespace)
	case apierrors.IsInvalid(err):
		return "the API server does not accept it: " + causesOf(details, err)
	case IsPassing(err):
		return fmt.Sprintf("the API server cannot answer at present: try again (%v)", err)
	}
	return fmt.Sprintf("the API server refuses to %s %s: %v", deed.Verb, deed.Resource, err)
}

func explainForbidden(deed Deed, details *metav1.StatusDetails) string {
	if told := policySays(details); told != "" {
		return "the cluster's policy refuses it: " + told
	}
	return mayNot(deed)
}

func explainNotFound(deed Deed, details *metav1.StatusDetails) string {
	switch {
	case details == nil || details.Name == "":
		return "this cluster does not know the kinds of " + v1alpha1.Group + ": the operator is not installed here, or --context names another cluster"
	case details.Kind == "namespaces":
		return fmt.Sprintf("there is no namespace %s: name another one with -n", deed.Namespace)
	case deed.Namespace == "":
		return fmt.Sprintf("there is no %s %s", singular(deed.Resource), deed.Name)
	}
	return fmt.Sprintf("there is no %s %s in the namespace %s: check the spelling, or name another namespace with -n",
		singular(deed.Resource), deed.Name, deed.Namespace)
}

// IsPassing says whether the same call may do later.
func IsPassing(err error) bool {
	if _, answered := errors.AsType[*apierrors.StatusError](err); !answered {
		return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
	}
	return apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err) || apierrors.IsTooManyRequests(err) ||
		apierrors.IsInternalError(err) || apierrors.IsServiceUnavailable(err)
}

func explainTransport(deed Deed, err error) string {
	_, calling := errors.AsType[*url.Error](err)
	if _, connecting := errors.AsType[net.Error](err); calling || connecting {
		return fmt.Sprintf("the API server at %s cannot be reached: check the network, or choose another --context (%v)", deed.Server, innermost(err))
	}
	return fmt.Sprintf("cannot %s %s: %v", deed.Verb, deed.Resource, err)
}

// innermost leaves out the URL, which the sentence has.
func innermost(err error) error {
	if address, is := errors.AsType[*url.Error](err); is {
		return address.Err
	}
	return err
}

// policySays is what an admission policy told, "" if it was not one that refused:
// rights that are missing have no causes.
func policySays(details *metav1.StatusDetails) string {
	if details == nil || len(details.Causes) == 0 {
		return ""
	}
	return plainCause(details.Causes[0])
}

func causesOf(details *metav1.StatusDetails, err error) string {
	if details == nil || len(details.Causes) == 0 {
		return err.Error()
	}
	texts := make([]string, 0, len(details.Causes))
	for _, cause := range details.Causes {
		texts = append(texts, plainCause(cause))
	}
	return strings.Join(texts, "; ")
}

// plainCause leaves out which policy it was, and under which binding.
func plainCause(cause metav1.StatusCause) string {
	text := cause.Message
	if _, reason, found := strings.Cut(text, "denied request: "); found {
		text = reason
	}
	if cause.Field != "" && cause.Field != "<nil>" {
		text = cause.Field + ": " + text
	}
	return text
}

// mayNot tells who has to grant what.
func mayNot(deed Deed) string {
	who := deed.Who
	if who == "" {
		who = "your account"
	}
	where, binding, scope := "the whole cluster", "clusterrolebinding", ""
	if deed.Namespace != "" {
		where, binding, scope = "the namespace "+deed.Namespace, "rolebinding", " -n "+deed.Namespace
	}
	role := roleFor(deed)
	return fmt.Sprintf("%s may not %s %s in %s; an administrator can bind the ClusterRole %s: kubectl create %s %s-%s --clusterrole=%s %s%s",
		who, deed.Verb, deed.Resource, where, role, binding, role, slug(strings.TrimPrefix(deed.Who, serviceAccountPrefix), 30), role, subject(deed.Who), scope)
}

// Grant says who may do a deed that is refused, for a note beside what could be done.
func Grant(deed Deed) string {
	if deed.Namespace == "" {
		return fmt.Sprintf("%s: needs the ClusterRole %s in the whole cluster", deed.Resource, roleFor(deed))
	}
	return fmt.Sprintf("%s in the namespace %s: needs the ClusterRole %s there", deed.Resource, deed.Namespace, roleFor(deed))
}

// roleFor is the shipped ClusterRole that permits the deed.
func roleFor(deed Deed) string {
	reads := deed.Verb != "create" && deed.Verb != "delete"
	switch deed.Resource {
	case "resetapprovals":
		if !reads {
			return "credential-reset-approver"
		}
	case "usercredentialresets":
		if !reads {
			return "credential-reset-requester"
		}
	case "resetrecords":
		return "credential-reset-auditor"
	case "events":
		return "view"
	}
	return "credential-reset-viewer"
}

// subject is the flag of kubectl create rolebinding that names the person.
func subject(who string) string {
	if account, found := strings.CutPrefix(who, serviceAccountPrefix); found {
		return "--serviceaccount=" + account
	}
	if who == "" {
		return "--user=NAME"
	}
	return "--user=" + who
}

func singular(resource string) string {
	switch resource {
	case "usercredentialresets":
		return "request"
	case "resetapprovals":
		return "approval"
	case "rocketchatworkspaces":
		return "workspace"
	case "resetrecords":
		return "record"
	}
	return strings.TrimSuffix(resource, "s")
}
