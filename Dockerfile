# The build needs nothing but the Go module proxy; the image holds one static
# binary, which brings its root certificates, and no shell. It is what make image makes.
FROM golang:1.26.8 AS build
ARG VERSION=unknown
ARG REVISION=unknown
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY main.go ./
COPY api ./api
COPY controllers ./controllers
COPY internal ./internal
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags="-s -w -X main.buildVersion=${VERSION} -X main.buildRevision=${REVISION}" -o /operator .

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="credential-reset-operator" \
      org.opencontainers.image.description="Carries out resets of Rocket.Chat users' credentials, each at most once" \
      org.opencontainers.image.source="https://github.com/credentialreset/credential-reset-operator" \
      org.opencontainers.image.documentation="https://github.com/credentialreset/credential-reset-operator/tree/main/docs" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=build /operator /operator
USER 65532:65532
WORKDIR /
ENTRYPOINT ["/operator"]
