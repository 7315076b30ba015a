package demo;

public class Subject {
    static String name = "new".trim();

    static String run() {
        return name + "!";
    }
}
