package answers

import (
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// unsent is what must come of a reset for which there was no connection.
func unsent() Want {
	return Want{
		Result: v1alpha1.AttemptNotSent, Attempt: v1alpha1.ReasonConnectionFailed,
		Request: v1alpha1.ReasonRetrying, Workspace: v1alpha1.ReasonConnected, Next: TriedAgain,
	}
}

// notSent are the rows in which no connection was obtained. What happens concerns
// the one connection that is to carry the reset.
func notSent() []Row {
	broken := func(name, cause string, script Script) Row {
		return Row{Name: name, Cause: cause, Scene: Scene{Connection: script}, Want: unsent()}
	}
	away := Row{
		Name: "Connections are refused from the look-up on", Cause: "a server that is shut down",
		Scene: Scene{Refused: true}, Want: unsent(),
	}
	away.Want.Request, away.Want.Workspace, away.Want.Next = v1alpha1.ReasonWorkspaceNotReady, v1alpha1.ReasonServerUnreachable, WaitsForServer
	silent := broken("The handshake is never answered", "a server that is overloaded, a firewall that swallows", keepSilent)
	silent.Scene.Timeout = 5
	slow := broken("The handshake takes longer than the time to send", "a network that is congested: nothing is sent later than 10 seconds after the claim",
		delay(11*time.Second))
	slow.Scene.Timeout, slow.Want.Attempt = 15, v1alpha1.ReasonSendDeadlinePassed
	return []Row{
		away,
		broken("The connection is closed before the handshake", "a load balancer without a server behind it", hangUp),
		broken("The connection is reset before the handshake", "a firewall", resetConnection),
		broken("The certificate is of another authority", "something that opens TLS on the way, a certificate that was renewed wrongly", impersonate),
		broken("The server speaks no TLS", "the wrong port, a load balancer in the wrong mode",
			say("HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html>The plain HTTP request was sent to HTTPS port</html>")),
		broken("The server breaks the handshake off with an alert", "a proxy that does not know the host", say("\x15\x03\x03\x00\x02\x02\x28")),
		silent,
		slow,
	}
}
