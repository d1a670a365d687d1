//go:build linux || darwin || freebsd

package pollconn

import (
	"testing"
	"time"
)

// While the process is calm the doorkeeper parks, and the peer is heard all the
// same, by the session itself if the doorkeeper does not come back.
func TestPark(t *testing.T) {
	for _, lost := range []bool{false, true} {
		c, peer := unattended(t)
		alarm, ended, stopped := c.Alarm(), make(chan bool), make(chan bool)
		parks := make(chan bool, 1)
		go func() {
			defer close(stopped)
			for park := false; ; {
				if park {
					select {
					case parks <- true:
					default:
					}
					c.Park(-1)
					if lost {
						c.parked.Store(true)
						<-ended
						return
					}
				} else {
					select {
					case <-ended:
						return
					case <-alarm:
					}
				}
				select {
				case <-ended:
					return
				default:
				}
				if park = c.MayPark(); !park {
					c.Wake()
				}
			}
		}()
		got := make(chan string)
		go func() {
			for b := make([]byte, 10); ; {
				n, err := c.Read(b)
				if err != nil {
					close(got)
					return
				}
				got <- string(b[:n])
			}
		}()
		<-parks
		for range 3 {
			peer.Write([]byte("hello"))
			if s := <-got; s != "hello" {
				t.Errorf("read %q", s)
			}
			if !lost {
				<-parks
			}
		}
		peer.CloseWrite()
		if s, ok := <-got; ok {
			t.Errorf("read %q after the end", s)
		}
		close(ended)
		<-stopped
		c.Close()
		peer.Close()
	}
}

func TestCalm(t *testing.T) {
	c, _ := unattended(t)
	defer c.Close()
	for !c.isCalm() {
		time.Sleep(PollInterval)
	}
}
