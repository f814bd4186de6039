"""examples/container and examples/kubernetes: the files are what their readers take, what they say of each other is true, and the
configurations in them load."""

import copy
import glob
import json
import os
import re
import subprocess
import tempfile
import unittest

import jsonschema
import yaml

import harness
from harness import WeirTest, wait_until

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLES = os.path.join(TREE, "examples")


def read(*path):
  with open(os.path.join(TREE, *path), encoding="utf-8") as file:
    return file.read()


def schema(name):
  return json.loads(read("tests", "schemas", name))


def manifests():
  """(file, document) of each document under examples/kubernetes."""
  found = []
  for path in sorted(glob.glob(os.path.join(EXAMPLES, "kubernetes", "*.yaml"))):
    found += [(os.path.basename(path), document) for document in yaml.safe_load_all(read(path))]
  return found


def manifest(kind, name):
  return next(d for _, d in manifests() if (d["kind"], d["metadata"]["name"]) == (kind, name))


def validator(kind):
  of_kind = dict(schema("kubernetes.json"), **{"$ref": "#/$defs/" + kind})
  return jsonschema.Draft202012Validator(of_kind)


def compose():
  return yaml.safe_load(read("examples", "container", "compose.yaml"))


def objects(value):
  """Each mapping in `value`, itself included."""
  if isinstance(value, dict):
    yield value
  for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
    yield from objects(inner)


def seconds(text):
  return float(text[:-1]) * {"s": 1, "m": 60}[text[-1]]


def validate(config, arguments):
  """`weir validate` of a text, with the arguments that an example starts Weir with."""
  usage = subprocess.run([harness.BINARY, "--help"], capture_output=True, text=True, timeout=harness.DEADLINE, check=True).stdout
  for word in arguments:
    if word.startswith("--") and not re.search(r"(?m)^\s+(-\w,)?%s\b" % word, usage):
      return 2, "there is no option " + word
  # There is nothing to watch where nothing is served.
  rest = [word for index, word in enumerate(arguments)
          if word not in ("-c", "--watch") and (index == 0 or arguments[index - 1] != "-c")]
  with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
    file.write(config)
    file.flush()
    command = [harness.BINARY, "validate", file.name, "--plugin-path", harness.PLUGINS, *rest]
    done = subprocess.run(command, capture_output=True, text=True, timeout=harness.DEADLINE, check=False)
  return done.returncode, done.stdout + done.stderr


class Schemas(unittest.TestCase):

  def test_every_object_of_the_schemas_names_its_keys(self):
    for name in ("kubernetes.json", "compose.json"):
      for node in objects(schema(name)):
        if node.get("type") == "object":
          self.assertIn("additionalProperties", node)
          self.assertIsNot(node["additionalProperties"], True)

  def test_every_manifest_is_right(self):
    self.assertGreaterEqual(len(manifests()), 9)
    for file, document in manifests():
      with self.subTest(file=file, kind=document["kind"]):
        validator(document["kind"]).validate(document)

  def test_compose_is_right(self):
    jsonschema.Draft202012Validator(schema("compose.json")).validate(compose())

  def refuses(self, check, document):
    """A key that nobody knows, put anywhere but where keys are free, is refused."""
    tried = 0
    for number, node in enumerate(objects(document)):
      if not node or all(isinstance(value, str) for value in node.values()):
        continue  # may be labels, data or variables, whose keys are free
      wrong = copy.deepcopy(document)
      list(objects(wrong))[number]["noSuchKey"] = {"no": ["such", "value"]}
      self.assertFalse(check.is_valid(wrong), "%r has room for a wrong key" % node)
      tried += 1
    return tried

  def test_a_key_that_nobody_knows_is_refused_everywhere(self):
    tried = sum(self.refuses(validator(document["kind"]), document) for _, document in manifests() if document["kind"] != "ConfigMap")
    self.assertGreater(tried, 30)
    self.assertGreater(self.refuses(jsonschema.Draft202012Validator(schema("compose.json")), compose()), 5)

  def test_wrong_values_are_refused(self):
    wrong = [("Deployment", lambda d: d["spec"].update(replicas="2")),
             ("Deployment", lambda d: d["spec"]["template"]["spec"]["containers"][0].pop("image")),
             ("Deployment", lambda d: d["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"].update(memory="64 MB")),
             ("Deployment", lambda d: d["spec"]["template"]["spec"]["containers"][0]["args"].append(1)),
             ("Service", lambda d: d["spec"]["ports"][0].update(port=70000)),
             ("PodDisruptionBudget", lambda d: d["spec"].update(maxUnavailable=1)),
             ("HorizontalPodAutoscaler", lambda d: d["spec"]["metrics"][0].pop("resource")),
             ("NetworkPolicy", lambda d: d.update(apiVersion="networking.k8s.io/v1beta1"))]
    for kind, change in wrong:
      document = manifest(kind, "weir")
      self.assertTrue(validator(kind).is_valid(document))
      change(document)
      self.assertFalse(validator(kind).is_valid(document), (kind, document))


class Kubernetes(unittest.TestCase):

  def setUp(self):
    self.deployment = manifest("Deployment", "weir")
    self.pod = self.deployment["spec"]["template"]["spec"]
    self.container = self.pod["containers"][0]
    self.config = yaml.safe_load(manifest("ConfigMap", "weir")["data"]["weir.yaml"])
    self.ports = {port["name"]: port["containerPort"] for port in self.container["ports"]}

  def test_configurations_load_with_the_arguments_of_their_containers(self):
    for name in ("weir", "app"):
      container = manifest("Deployment", name)["spec"]["template"]["spec"]["containers"][0]
      self.assertEqual(container["args"][:2], ["-c", "/etc/weir/weir.yaml"])
      code, text = validate(manifest("ConfigMap", name)["data"]["weir.yaml"], container["args"])
      self.assertEqual(code, 0, text)

  def test_labels_lead_from_each_object_to_its_pods(self):
    for name in ("weir", "app"):
      labels = manifest("Deployment", name)["spec"]["template"]["metadata"]["labels"]
      self.assertEqual(manifest("Deployment", name)["spec"]["selector"]["matchLabels"], labels)
      self.assertEqual(manifest("Service", name)["spec"]["selector"], labels)
    labels = self.deployment["spec"]["template"]["metadata"]["labels"]
    self.assertEqual(manifest("PodDisruptionBudget", "weir")["spec"]["selector"]["matchLabels"], labels)
    self.assertEqual(manifest("NetworkPolicy", "weir")["spec"]["podSelector"]["matchLabels"], labels)
    self.assertEqual(self.pod["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"], labels)
    target = manifest("HorizontalPodAutoscaler", "weir")["spec"]["scaleTargetRef"]
    self.assertEqual((target["apiVersion"], target["kind"], target["name"]), ("apps/v1", "Deployment", "weir"))

  def test_every_port_is_one_that_the_configuration_listens_on(self):
    listens = {int(listener["address"].rpartition(":")[2]) for listener in self.config["listeners"]}
    self.assertEqual(set(self.ports.values()), listens)
    self.assertGreater(min(listens), 1023)
    for port in manifest("Service", "weir")["spec"]["ports"]:
      self.assertIn(port["targetPort"], self.ports)
    for rule in manifest("NetworkPolicy", "weir")["spec"]["ingress"]:
      for port in rule["ports"]:
        self.assertIn(port["port"], self.ports)
    annotations = self.deployment["spec"]["template"]["metadata"]["annotations"]
    self.assertEqual(int(annotations["prometheus.io/port"]), self.ports["status"])

  def test_probes_ask_for_pages_that_the_status_listener_passes_on(self):
    status = next(listener for listener in self.config["listeners"] if listener["name"] == "status")
    pages = {route["match"]["path"] for route in status["http"]["routes"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
      request = self.container[probe]["httpGet"]
      self.assertEqual(request["port"], "status")
      self.assertIn(request["path"], pages)
    self.assertIn(self.deployment["spec"]["template"]["metadata"]["annotations"]["prometheus.io/path"], pages)

  def test_a_pod_has_the_time_that_its_drain_takes_and_needs_no_sleep(self):
    self.assertNotIn("lifecycle", self.container)
    arguments = self.container["args"]
    delay, drain = (seconds(arguments[arguments.index(name) + 1]) for name in ("--drain-delay", "--drain-time"))
    self.assertGreaterEqual(self.pod["terminationGracePeriodSeconds"], delay + drain + 5)
    # Unready before the listeners stop: after the first failure the delay leaves time for the endpoints to be told.
    probe = self.container["readinessProbe"]
    self.assertGreater(delay, probe["periodSeconds"] * probe["failureThreshold"])

  def test_a_pod_has_no_right_that_it_does_not_need(self):
    self.assertTrue(self.pod["securityContext"]["runAsNonRoot"])
    self.assertIn("USER %d:" % self.pod["securityContext"]["runAsUser"], read("Dockerfile"))
    self.assertEqual(self.container["securityContext"], {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                                         "capabilities": {"drop": ["ALL"]}})
    self.assertFalse(self.pod["automountServiceAccountToken"])

  def test_the_image_is_of_this_version(self):
    version = re.search(r"^ARG VERSION=(\S+)$", read("Dockerfile"), re.MULTILINE).group(1)
    self.assertIn("project(weir VERSION %s " % version, read("CMakeLists.txt"))
    self.assertEqual(self.container["image"], "weir:" + version)

  def test_the_configuration_is_mounted_as_a_folder(self):
    # One that is mounted as a file (subPath) never changes.
    mount = self.container["volumeMounts"][0]
    self.assertNotIn("subPath", mount)
    self.assertEqual(mount["mountPath"], os.path.dirname(self.container["args"][1]))
    self.assertEqual(self.pod["volumes"][0]["configMap"]["name"], "weir")


class Compose(unittest.TestCase):

  def test_configurations_load_with_the_arguments_of_their_services(self):
    for name in ("weir", "app-1", "app-2"):
      service = compose()["services"][name]
      host, inside = service["volumes"][0].split(":")[:2]
      path = service["command"][1]
      self.assertEqual(os.path.dirname(path), inside)
      code, text = validate(read("examples", "container", host, os.path.basename(path)), service["command"])
      self.assertEqual(code, 0, text)

  def test_what_it_mounts_and_names_is_there(self):
    services = compose()["services"]
    for service in services.values():
      for volume in service.get("volumes", ()):
        self.assertTrue(os.path.exists(os.path.join(EXAMPLES, "container", volume.split(":")[0])), volume)
      for other in service.get("depends_on", ()):
        self.assertIn(other, services)
    config = yaml.safe_load(read("examples", "container", "weir", "weir.yaml"))
    for endpoint in config["clusters"][0]["endpoints"]:
      self.assertIn(endpoint.split(":")[0], services)
    arguments = services["weir"]["command"]
    needed = sum(seconds(arguments[arguments.index(name) + 1]) for name in ("--drain-delay", "--drain-time"))
    self.assertGreaterEqual(seconds(services["weir"]["stop_grace_period"]), needed + 5)

  def test_prometheus_asks_for_a_page_that_is_passed_on(self):
    scrape = yaml.safe_load(read("examples", "container", "prometheus.yaml"))["scrape_configs"][0]
    config = yaml.safe_load(read("examples", "container", "weir", "weir.yaml"))
    status = next(listener for listener in config["listeners"] if listener["name"] == "status")
    self.assertEqual(scrape["dns_sd_configs"][0]["port"], int(status["address"].rpartition(":")[2]))
    self.assertIn(scrape["metrics_path"], [route["match"]["path"] for route in status["http"]["routes"]])

  def test_promtool_takes_the_configuration_of_prometheus(self):
    path = os.path.join(EXAMPLES, "container", "prometheus.yaml")
    done = subprocess.run(["promtool", "check", "config", path], capture_output=True, text=True, timeout=60, check=False)
    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

  def test_grafana_finds_its_data_and_its_dashboards(self):
    provisioning = ("examples", "container", "grafana", "provisioning")
    source = yaml.safe_load(read(*provisioning, "datasources", "prometheus.yaml"))["datasources"][0]
    used = {node["uid"] for node in objects(dashboard()) if node.get("type") == "prometheus"}
    self.assertEqual(used, {source["uid"]})
    provider = yaml.safe_load(read(*provisioning, "dashboards", "weir.yaml"))["providers"][0]
    mounts = dict(reversed(volume.split(":")[:2]) for volume in compose()["services"]["grafana"]["volumes"])
    self.assertEqual(mounts[provider["options"]["path"]], "./grafana/dashboards")


def dashboard():
  return json.loads(read("examples", "container", "grafana", "dashboards", "weir.json"))


class Dashboard(WeirTest):
  """Of a Weir that runs the example's configuration, on ports of this machine."""

  @classmethod
  def make_config(cls):
    text = read("examples", "container", "weir", "weir.yaml")
    admin = harness.Backend()  # only to find a port that is free
    address = admin.address
    admin.stop()
    text = re.sub(r'endpoints: \["app-1.*?\]', 'endpoints: ["%s"]' % cls.backend.address, text)
    text = text.replace("127.0.0.1:9901", address).replace("0.0.0.0:8080", "127.0.0.1:0").replace("0.0.0.0:9902", "127.0.0.1:0")
    text = text.replace("access_log: stdout", "access_log: access.txt")
    # A connection that is kept would be one that a test left.
    text = text.replace("{ name: admin, ", "{ name: admin, idle_timeout: 0.1s, ")
    return text.replace("type: STRICT_DNS", "type: STATIC").replace("    dns_refresh_rate: 2s\n", "")

  def test_shows_metrics_that_are_there(self):
    self.assertEqual(self.get("/", name="web").status, 200)
    page = wait_until(lambda: self.scrape(), "the metrics")
    there = set(re.findall(r"^(envoy_\w+)\{", page, re.MULTILINE))
    labels = set(re.findall(r"[{,](\w+)=\"", page)) | {"instance"}
    shown = set()
    for target in [target for panel in dashboard()["panels"] for target in panel["targets"]]:
      names = set(re.findall(r"\benvoy_\w+(?=[{)])", re.sub(r"by \([^)]*\)", "", target["expr"])))
      self.assertTrue(names, target["expr"])
      self.assertTrue(set(re.findall(r"(\w+)=~?\"", target["expr"])) <= labels, target["expr"])
      for group in re.findall(r"by \(([^)]*)\)", target["expr"]):
        self.assertTrue(set(group.split(", ")) <= labels, target["expr"])
      shown |= names
    self.assertEqual(shown - there, set())
    self.assertGreater(len(shown), 20)

  def test_variables_are_of_metrics_and_labels_that_are_there(self):
    page = wait_until(lambda: self.scrape(), "the metrics")
    for variable in dashboard()["templating"]["list"]:
      metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]).groups()
      self.assertRegex(page, r"(?m)^%s\{" % metric)
      if label != "instance":
        self.assertRegex(page, r"(?m)^%s\{[^}]*\b%s=" % (metric, label))

  def test_nothing_else_of_the_admin_listener_is_passed_on(self):
    self.assertEqual(self.get("/ready", name="status").status, 200)
    for path in ("/", "/stats", "/config_dump", "/ready/../config_dump", "/stats/prometheus/.."):
      self.assertEqual(self.get(path, name="status").status, 404, path)

  def scrape(self):
    response = self.get("/stats/prometheus", name="status")
    return response.body.decode() if response.status == 200 else None


if __name__ == "__main__":
  harness.main()
