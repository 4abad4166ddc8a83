package dev.portcullis.boot;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code <data>/run/addresses.json}: where a gateway that is open listens. Gone after a clean stop. */
record AddressesFile(Path path) {
  private static final Logger LOG = LoggerFactory.getLogger(AddressesFile.class);

  static AddressesFile in(Path data) {
    return new AddressesFile(data.resolve("run").resolve("addresses.json"));
  }

  /** Appears whole or not at all. */
  void write(String http, String management, long incarnation) throws IOException {
    var owner = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    Files.createDirectories(path.getParent(), owner);
    var addresses = new LinkedHashMap<String, Object>();
    addresses.put("http", http);
    addresses.put("management", management);
    addresses.put("pid", ProcessHandle.current().pid());
    addresses.put("incarnation", incarnation);
    var draft = path.resolveSibling("addresses.json.new");
    Files.write(draft, new JsonMapper().writeValueAsBytes(addresses));
    Files.move(draft, path, StandardCopyOption.ATOMIC_MOVE);
  }

  /** A file that stays misleads nobody for long: it names a process that is gone. */
  void remove() {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      LOG.warn("boot.addresses_left path={} cause={}", path, e.getMessage());
    }
  }

  static String url(InetSocketAddress address) {
    var host = address.getAddress().getHostAddress();
    return "http://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
  }
}
