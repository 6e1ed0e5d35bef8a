package controllers

import (
	"context"

	"github.com/credentialreset/credential-reset-operator/internal/gate"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat"
)

// chatClient is what the operator asks of a Rocket.Chat workspace, one method a
// route; see rocketchat.Client.
type chatClient interface {
	Info(ctx context.Context) (rocketchat.Info, error)
	Me(ctx context.Context) (rocketchat.Account, error)
	Permitted(ctx context.Context, roles []string) ([]string, error)
	TwoFactorEnabled(ctx context.Context) (bool, error)
	BypassesSecondFactor(ctx context.Context) (bool, error)
	UserByID(ctx context.Context, id string) (rocketchat.User, error)
	UserByUsername(ctx context.Context, username string) (rocketchat.User, error)
	ResetTOTP(ctx context.Context, reset rocketchat.Reset) error
	ResetE2EKey(ctx context.Context, reset rocketchat.Reset) error
	Close()
}

func (o *Operator) newClient(connection *rocketchat.Connection) *rocketchat.Client {
	server := connection.Server()
	return rocketchat.New(connection, rocketchat.Options{
		Policy: o.options.DialPolicy,
		Now:    o.clock.Local,
		// A pass has a client of its own; what they learn of the server's clock stays.
		ServerClock: o.clocks.Of(server, o.clock.Local()),
		Observe: func(exchange rocketchat.Exchange) {
			o.meters.called(exchange)
			if exchange.RateLimit.Exhausted {
				o.gateOf(exchange.Route).Close(server, exchange.Route, exchange.RateLimit.Wait)
			}
		},
	})
}

// gateOf is the gate that a route is behind. The limiter counts each route by
// itself. A reset takes one call of users.info and one of its own route, so these
// are exhausted together and share a gate; probes use other routes.
func (o *Operator) gateOf(route string) *gate.Gate {
	switch route {
	case rocketchat.RouteUserInfo, rocketchat.RouteResetTOTP, rocketchat.RouteResetE2EKey:
		return o.gate
	}
	return o.probes
}
