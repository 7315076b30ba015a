package demo;

public class Subject {
    static String run() {
        java.util.List<String> l = new java.util.ArrayList<>();
        l.add("new");
        l.add("x");
        return "b" + l + l.size();
    }
}
