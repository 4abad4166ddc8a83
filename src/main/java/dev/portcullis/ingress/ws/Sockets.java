package dev.portcullis.ingress.ws;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.InputFault;
import dev.portcullis.ingress.Problems;
import dev.portcullis.ingress.http.Bearer;
import dev.portcullis.ingress.http.Clients;
import dev.portcullis.ingress.http.Upgrades;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.pekko.Done;
import org.apache.pekko.actor.Cancellable;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.http.javadsl.model.AttributeKeys;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.RemoteAddress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gateway protocol on the ingress port: takes upgrades, and ends every socket when the gateway stops.
 */
public final class Sockets implements Upgrades {
  private static final Logger LOG = LoggerFactory.getLogger(Sockets.class);
  /** Headers that only somebody in between adds. */
  private static final List<String> FORWARDED = List.of(
      "forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip", "via");
  private static final Duration CHECK = Duration.ofSeconds(1);
  private static final Duration HEALTH = Duration.ofSeconds(60);
  private static final Duration GOODBYES = Duration.ofMillis(1_500);

  private final ActorSystem<?> system;
  private final Edge edge;
  private final Hub hub;
  private final Devices devices;
  private final Budget budget;
  private final Clients clients;
  private final Connection.House house;
  private final Repertoire repertoire;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final List<Cancellable> timers = new ArrayList<>();
  private final CompletableFuture<Done> empty = new CompletableFuture<>();
  private final AtomicBoolean roomTold = new AtomicBoolean();
  private final AtomicBoolean healthAsked = new AtomicBoolean();
  private volatile boolean closed;

  /** @param repertoire what there is beside the transport's own */
  public Sockets(Edge edge, Problems problems, Hub hub, Repertoire repertoire, ActorSystem<?> system) {
    this.system = system;
    this.edge = edge;
    this.hub = hub;
    this.repertoire = repertoire;
    this.clients = new Clients(edge.config().http().proxies());
    this.budget = new Budget(edge.config().sockets());
    this.devices = new Devices(edge.devices());
    edge.credentials().whenRemoved(this::removeDevicesOf);
    var pairing = new Pairing(edge, devices, hub);
    var methods = Stream.concat(
            new OwnMethods(edge, hub, pairing).methods().stream(), repertoire.methods().stream())
        .toList();
    var hello = new Hello(
        edge, hub,
        new UUID(edge.random().nextLong(), edge.random().nextLong()).toString(),
        methods.stream().filter(Method::advertised).map(Method::name).sorted().toList(),
        Stream.concat(
                OwnMethods.EVENTS.stream(),
                repertoire.events().stream())
            .distinct().sorted().toList());
    this.house = new Connection.House(edge, problems, hub, new Login(edge, pairing), hello,
        methods.stream().collect(Collectors.toMap(Method::name, Function.identity())));
    every(edge.config().sockets().tick(), hub::tick);
    every(CHECK, this::check);
    every(HEALTH, this::health);
    health();
  }

  /** Everything that can be asked. */
  public List<Method> methods() {
    return List.copyOf(house.methods().values());
  }

  private void every(Duration interval, Runnable task) {
    timers.add(system.scheduler()
        .scheduleWithFixedDelay(interval, interval, task, system.executionContext()));
  }

  private void check() {
    roomTold.set(false);
    if (edge.config().cluster().enabled()) { // Another node may have let a device in or out.
      devices.load().whenComplete((_, failure) -> {
        if (failure == null) {
          hub.check();
        } else {
          LOG.warn("socket.devices_unread cause={}", failure.toString());
        }
      });
    } else {
      hub.check();
    }
  }

  private void removeDevicesOf(String principal) {
    devices.removeAllOf(principal).whenComplete((_, failure) -> {
      if (failure == null) {
        hub.check();
      } else {
        LOG.warn("socket.devices_kept principal={} cause={}", principal, failure.toString());
      }
    });
  }

  /** Only one question at a time: a gateway that answers slowly is not asked more. */
  private void health() {
    if (healthAsked.compareAndSet(false, true)) {
      repertoire.health().get().whenComplete((now, failure) -> {
        healthAsked.set(false);
        if (failure == null) {
          hub.health(now);
        } else {
          LOG.warn("socket.health_unknown cause={}", failure.toString());
        }
      });
    }
  }

  @Override
  public boolean wanted(HttpRequest request) {
    return Frames.asksForUpgrade(request);
  }

  @Override
  public HttpResponse upgrade(HttpRequest request) {
    if (hub.isDraining()) {
      throw InputFault.of(Problems.socketsDraining());
    }
    var remote = remote(request);
    var shown = Bearer.shown(request);
    if (shown.isPresent()) { // A wrong one counts as it does everywhere else.
      edge.admission().authenticate(remote.client(), shown);
    }
    boolean known = shown.isPresent(); // Not one of the many who never show a token.
    if (open.size() >= edge.config().sockets().most() || !known && !budget.take(remote.client())) {
      if (roomTold.compareAndSet(false, true)) { // A flood is told of once a second.
        LOG.warn("socket.no_room client={} open={}", remote.client(), open.size());
      }
      throw InputFault.of(Problems.tooManySockets());
    }
    var once = new AtomicBoolean(known);
    Runnable settled = () -> {
      if (once.compareAndSet(false, true)) {
        budget.giveBack(remote.client());
      }
    };
    var limits = edge.config().sockets();
    // By then it has logged in or is being closed; nobody tells when the connection breaks before it opens.
    system.scheduler().scheduleOnce(limits.login().plus(GOODBYES), settled, system.executionContext());
    var socket = new Socket(limits.bufferBytes(), limits.firstBytes(), limits.login(),
        each -> new Tracked(each, new Connection(house, remote, each, settled)));
    return Frames.upgrade(request, socket);
  }

  /** Keeps the set of open sockets. */
  private final class Tracked implements Socket.Owner {
    private final Socket socket;
    private final Connection connection;

    private Tracked(Socket socket, Connection connection) {
      this.socket = socket;
      this.connection = connection;
    }

    @Override
    public void opened() {
      open.add(socket);
      connection.opened();
      if (closed) {
        socket.close(1012, "service restart");
      }
    }

    @Override
    public void text(byte[] text) {
      connection.text(text);
    }

    @Override
    public boolean reads() {
      return connection.reads();
    }

    @Override
    public void closed() {
      open.remove(socket);
      connection.closed();
      if (closed && open.isEmpty()) {
        empty.complete(Done.getInstance());
      }
    }
  }

  private Login.Remote remote(HttpRequest request) {
    boolean forwarded = FORWARDED.stream().anyMatch(name -> request.getHeader(name).isPresent());
    boolean local = request.getAttribute(AttributeKeys.remoteAddress)
        .flatMap(RemoteAddress::getAddress)
        // Behind a proxy everybody would be local.
        .filter(peer -> peer.isLoopbackAddress() && !clients.trusted(peer))
        .isPresent();
    return new Login.Remote(clients.of(request), local && !forwarded);
  }

  /** Says so to everybody; no new socket is taken, and those that are there may go on reading. */
  public void draining() {
    hub.draining();
  }

  /** Ends every socket; done when all have gone, after a moment at the latest. */
  public CompletionStage<Done> close() {
    hub.shutdown();
    closed = true;
    timers.forEach(Cancellable::cancel);
    open.forEach(socket -> socket.close(1012, "service restart"));
    if (open.isEmpty()) {
      empty.complete(Done.getInstance());
    }
    return empty.copy().completeOnTimeout(Done.getInstance(), GOODBYES.toMillis(), MILLISECONDS);
  }
}
