// A vCenter of govmomi's simulator on a given loopback address, for vcsim.test.ts. It prints the address of its SDK once it listens.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"github.com/vmware/govmomi/simulator"
)

func main() {
	listen := flag.String("l", "127.0.0.1:0", "loopback address to listen on")
	secure := flag.Bool("tls", false, "speak TLS, with the certificate of Go's test server")
	user := flag.String("u", "signalbox", "the only user name")
	password := flag.String("p", "", "the only password")
	flag.Parse()

	model := simulator.VPX()
	if err := model.Create(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	model.Service.Listen = &url.URL{Host: *listen, User: url.UserPassword(*user, *password)}
	if *secure {
		model.Service.TLS = new(tls.Config)
	}
	server := model.Service.NewServer()
	fmt.Printf("%s://%s%s\n", server.URL.Scheme, server.URL.Host, server.URL.Path)

	// Whoever started it may be gone without a word: then its pipe closes, and nobody needs this process any more.
	gone := make(chan os.Signal, 1)
	signal.Notify(gone, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		buffer := make([]byte, 1)
		_, _ = os.Stdin.Read(buffer)
		gone <- syscall.SIGTERM
	}()
	<-gone
	server.Close()
	model.Remove()
}
