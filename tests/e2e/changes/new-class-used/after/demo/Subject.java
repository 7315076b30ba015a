package demo;

public class Subject {
    static String run() {
        return Helper.text() + Base.class.getName().length();
    }
}
