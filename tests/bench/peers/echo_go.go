// SPDX-License-Identifier: MIT

// An echo server in Go: a goroutine for each connection, and Read and Write in a loop with the
// buffer that io.Copy would take. (io.Copy itself would use splice(2) between two sockets, which
// costs small messages two system calls and each connection a pipe.) Go sets TCP_NODELAY itself.
// Datagrams have a goroutine of their own, and the calls that do not allocate an address for each.
package main

import (
	"fmt"
	"net"
	"os"
)

const (
	bufferSize   = 32 * 1024
	datagramSize = 64 * 1024
)

func echo(conn net.Conn) {
	defer conn.Close()
	buffer := make([]byte, bufferSize)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		if _, err := conn.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func echoDatagrams(conn *net.UDPConn) {
	buffer := make([]byte, datagramSize)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			continue
		}
		conn.WriteToUDPAddrPort(buffer[:n], from)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	port := "0"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	address, err := net.ResolveUDPAddr("udp4", "127.0.0.1:"+port)
	check(err)
	datagrams, err := net.ListenUDP("udp4", address)
	check(err)
	listener, err := net.Listen("tcp4", datagrams.LocalAddr().String())
	check(err)
	go echoDatagrams(datagrams)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		conn, err := listener.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		go echo(conn)
	}
}
