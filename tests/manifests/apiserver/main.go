// Command apiserver is the part of Kubernetes that stores custom resources, on its own: the real API server for
// CustomResourceDefinitions with etcd inside, on 127.0.0.1 and without authentication. It is for tests.
//
//	apiserver -data FOLDER -port PORT
//
// Its certificate is written to FOLDER/apiserver.crt. It ends on SIGTERM and SIGINT.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
	"go.opentelemetry.io/otel/trace/noop"
	"k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apiextensions-apiserver/pkg/cmd/server/options"
	"k8s.io/apiextensions-apiserver/pkg/generated/openapi"
	definitions "k8s.io/apiserver/pkg/endpoints/openapi"
	generic "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/util/webhook"
)

func main() {
	data := flag.String("data", "", "folder for etcd's data and the certificate")
	port := flag.Int("port", 0, "HTTPS port on 127.0.0.1")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, *data, *port); err != nil {
		fmt.Fprintln(os.Stderr, "apiserver:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, data string, port int) error {
	store, err := startEtcd(data)
	if err != nil {
		return fmt.Errorf("etcd: %w", err)
	}
	defer store.Close()
	select {
	case <-store.Server.ReadyNotify():
	case <-ctx.Done():
		return nil
	}
	config, err := configure(data, port, store.Config().ListenClientUrls[0].String())
	if err != nil {
		return err
	}
	server, err := config.Complete().New(generic.NewEmptyDelegate())
	if err != nil {
		return err
	}
	return server.GenericAPIServer.PrepareRun().RunWithContext(ctx)
}

// startEtcd listens on unix sockets in the folder alone, so that no port can be taken.
func startEtcd(data string) (*embed.Etcd, error) {
	config := embed.NewConfig()
	config.Dir = filepath.Join(data, "etcd")
	config.LogLevel = "warn"
	config.UnsafeNoFsync = true
	client := url.URL{Scheme: "unix", Path: filepath.Join(data, "client.sock")}
	peer := url.URL{Scheme: "unix", Path: filepath.Join(data, "peer.sock")}
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	return embed.StartEtcd(config)
}

func configure(data string, port int, etcd string) (*apiserver.Config, error) {
	chosen := options.NewCustomResourceDefinitionsServerOptions(os.Stdout, os.Stderr)
	recommended := chosen.RecommendedOptions
	recommended.Etcd.StorageConfig.Transport.ServerList = []string{etcd}
	recommended.SecureServing.BindAddress = net.IPv4(127, 0, 0, 1)
	recommended.SecureServing.BindPort = port
	recommended.SecureServing.ServerCert.CertDirectory = data
	recommended.SecureServing.ServerCert.PairName = "apiserver"
	// The rest would ask the API server of a whole cluster, which there is none of.
	recommended.Authentication, recommended.Authorization = nil, nil
	recommended.CoreAPI, recommended.Admission = nil, nil
	recommended.Features.EnablePriorityAndFairness = false
	if err := chosen.Complete(); err != nil {
		return nil, err
	}
	local := []net.IP{net.IPv4(127, 0, 0, 1)}
	if err := recommended.SecureServing.MaybeDefaultWithSelfSignedCerts("localhost", nil, local); err != nil {
		return nil, err
	}
	config := generic.NewRecommendedConfig(apiserver.Codecs)
	if err := chosen.ServerRunOptions.ApplyTo(&config.Config); err != nil {
		return nil, err
	}
	if err := recommended.ApplyTo(config); err != nil {
		return nil, err
	}
	resources := apiserver.DefaultAPIResourceConfigSource()
	if err := chosen.APIEnablement.ApplyTo(&config.Config, resources, apiserver.Scheme); err != nil {
		return nil, err
	}
	namer := definitions.NewDefinitionNamer(apiserver.Scheme)
	config.OpenAPIConfig = generic.DefaultOpenAPIConfig(openapi.GetOpenAPIDefinitions, namer)
	config.OpenAPIV3Config = generic.DefaultOpenAPIV3Config(openapi.GetOpenAPIDefinitions, namer)
	return &apiserver.Config{
		GenericConfig: config,
		ExtraConfig: apiserver.ExtraConfig{
			CRDRESTOptionsGetter: options.NewCRDRESTOptionsGetter(
				*recommended.Etcd, config.ResourceTransformers, config.StorageObjectCountTracker),
			ServiceResolver: webhook.NewDefaultServiceResolver(),
			AuthResolverWrapper: webhook.NewDefaultAuthenticationInfoResolverWrapper(
				nil, nil, config.LoopbackClientConfig, noop.NewTracerProvider()),
		},
	}, nil
}
